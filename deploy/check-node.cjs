// Old versions of Node must be able to read this file: it is how they say that they are too old.
var version = process.versions.node.split('.').map(Number);
var enough = version[0] > 22 || (version[0] === 22 && version[1] >= 18);
if (!enough) {
  console.error(
    'Skein needs Node 22.18 or later, and this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\n' +
      'On Linux (x64, arm64) `npm ci` brings Node 24 along as an optional dependency; it was left out here\n' +
      '(--omit=optional, or another system). Run `npm ci` without that, or install Node 24 from https://nodejs.org.',
  );
  process.exit(1);
}
