import { telemetryExports } from '../../../contracts/exports.contract.ts';
import { plain } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { exportBegun, exportFile, fileOf, newExport, scheduleMade } from '../export-answers.ts';
import { fieldsOf, listing, pathId } from '../readings.ts';

const makes = { takesBody: true, creates: true } as const;

export const exportRoutes: readonly Endpoint[] = [
  endpoint('POST', '/exports', telemetryExports.create, newExport, exportBegun, makes),
  endpoint('GET', '/exports', telemetryExports.list, listing, plain),
  endpoint(
    'POST',
    '/exports/schedules',
    telemetryExports.createSchedule,
    request => fieldsOf(request),
    scheduleMade,
    makes,
  ),
  endpoint('GET', '/exports/schedules', telemetryExports.schedules, listing, plain),
  endpoint('GET', '/exports/schedules/:id', telemetryExports.schedule, pathId, plain),
  endpoint('POST', '/exports/schedules/:id/pause', telemetryExports.pauseSchedule, pathId, plain),
  endpoint('POST', '/exports/schedules/:id/resume', telemetryExports.resumeSchedule, pathId, plain),
  endpoint('DELETE', '/exports/schedules/:id', telemetryExports.removeSchedule, pathId, plain),
  endpoint('GET', '/exports/:id', telemetryExports.get, pathId, plain),
  endpoint('POST', '/exports/:id/cancel', telemetryExports.cancel, pathId, plain),
  endpoint('DELETE', '/exports/:id', telemetryExports.remove, pathId, plain),
  endpoint('GET', '/exports/:id/file', telemetryExports.file, fileOf, exportFile),
];
