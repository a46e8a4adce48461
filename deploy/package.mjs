// Makes what is deployed: the folder .package/app and, of the same files, .package/tributary.zip. They hold the compiled app, host.json,
// package.json, and the packages that the app needs, without what only compilers, browsers and people read of them.
// The function app is not built again in Azure: deploy the zip, or publish the folder.
//
//   npm run package
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
// The build, which comes before, has made them.
import commands from '../dist/src/cli/commandLine/command.js';
import command from '../dist/src/cli/commandLine/runCommand.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, '.package');

/** The largest zip that is accepted, in bytes: a larger one means that something got into it that should not. */
const mostBytes = 10 * 1024 * 1024;

/** Of packages, what Node.js does not run: for compilers, debuggers, people, and other systems. */
const unused = [
  /\.(map|md|markdown|flow|tsbuildinfo|yml|html)$/i,
  /\.[cm]?ts$/,
  /(^|\/)\.[^/]+$/,
  /(^|\/)(test|tests|__tests__|example|examples|doc|docs|coverage|typings)\//,
  /(^|\/)dist\/(browser|react-native|workerd|types)\//,
];
const licence = /(^|\/)(licen[sc]e|notice|copying)[^/]*$/i;
/** Packages of which Node.js loads nothing: a package that the app needs has them for browsers or for compilers alone. */
const unusedPackages = [/^node_modules\/@types\//, /^node_modules\/@azure\/msal-browser$/];

/** All files below a folder of the project, as paths from the project's root, with slashes on every system. */
function filesBelow(folder, except = () => false) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (except(path)) return [];
    if (entry.isDirectory()) return filesBelow(path, except);
    return entry.isFile() ? [path] : [];
  });
}

/** The files of the project itself: those that .funcignore leaves. */
function filesOfApp() {
  const lines = readFileSync(join(root, '.funcignore'), 'utf8').split(/\r?\n/);
  const ignored = new Set(lines.filter((line) => line.startsWith('/')).map((line) => line.slice(1)));
  const isLeftOut = (path) => ignored.has(path) || path === 'node_modules' || path.startsWith('.');
  return filesBelow('.', isLeftOut).filter((path) => !path.endsWith('.map'));
}

/** The folders of the packages that the app needs, as the lockfile has them. */
function neededPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const needed = Object.keys(packages).filter((path) => {
    const { dev, devOptional, optional } = packages[path];
    return path !== '' && !dev && !devOptional && (!optional || existsSync(join(root, path)));
  });
  return needed.filter((path) => !unusedPackages.some((pattern) => pattern.test(path)));
}

/** The files of a package that Node.js may load, and its licence. Packages within it have lines of their own in the lockfile. */
function filesOfPackage(folder) {
  const files = filesBelow(folder, (path) => posix.basename(path) === 'node_modules');
  return files.filter((path) => {
    const own = path.slice(folder.length + 1);
    return licence.test(own) || !unused.some((pattern) => pattern.test(own));
  });
}

function makePackage() {
  const paths = [...filesOfApp(), ...neededPackages().flatMap(filesOfPackage)].sort();
  rmSync(target, { recursive: true, force: true });
  for (const path of paths) {
    const to = join(target, 'app', path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(root, path), to);
  }
  // The same files give the same zip, whenever it is made.
  const zip = zipSync(Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path))])), {
    level: 9,
    mtime: new Date(1980, 0, 1),
  });
  writeFileSync(join(target, 'tributary.zip'), zip);
  const megabytes = (zip.length / 2 ** 20).toFixed(1);
  console.log(`.package/tributary.zip: ${paths.length.toLocaleString('en')} files, ${megabytes} MiB`);
  if (zip.length <= mostBytes) return 0;
  console.error(
    `That is more than ${mostBytes / 2 ** 20} MiB: see what got into it, or raise the limit in deploy/package.mjs.`,
  );
  return 1;
}

command.runCommand({
  call: 'npm run package',
  does: commands.action({ meaning: 'Makes what is deployed to Azure, in .package.', run: async () => makePackage() }),
});
