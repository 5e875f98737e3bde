/** Devices of one type under a path of their own. */
import type { Description, Descriptions } from './description.ts';
import { anyObject, described, pageOf } from './schemas/shapes.ts';

const device = described(anyObject, 'A device, as `GET /devices/{id}` shows it.');

const listAndOne = (many: string, one: string, type: string): [Description, Description] => {
  const example = { id: `${one.replace(' ', '-')}-1`, type, name: null, state: 'active', version: 2 };
  return [
    {
      tag: 'Devices',
      summary: `List ${many}`,
      description: `The same as \`GET /devices?type=${type}\`.`,
      omits: ['type'],
      answers: { 200: { schema: pageOf(device), example: { items: [example], nextCursor: null } } },
    },
    {
      tag: 'Devices',
      summary: `One ${one}`,
      description: `\`not_found\` for a device of another type than \`${type}\`.`,
      answers: { 200: { schema: device, example, headers: ['ETag'] } },
    },
  ];
};

const [waterHeaters, waterHeater] = listAndOne('water heaters', 'water heater', 'water_heater');
const [vendingMachines, vendingMachine] = listAndOne('vending machines', 'vending machine', 'vending_machine');
const [robots, robot] = listAndOne('robots', 'robot', 'robot');

export const seedTypeDescriptions: Descriptions = {
  'GET /water-heaters': waterHeaters,
  'GET /water-heaters/:id': waterHeater,
  'GET /vending-machines': vendingMachines,
  'GET /vending-machines/:id': vendingMachine,
  'GET /robots': robots,
  'GET /robots/:id': robot,
};
