// Makes what is deployed: the folder .package/app and, from the same files, .package/tributary.zip. They contain the compiled app,
// host.json, package.json, and the packages that the app needs, without the files that only compilers, browsers and people read. The
// function app is not built again in Azure: deploy the zip, or publish the folder.
//
//   npm run package
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
// These files were made by the build, which runs before this.
import commands from '../dist/src/cli/commandLine/command.js';
import command from '../dist/src/cli/commandLine/runCommand.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, '.package');

/** The largest zip that is accepted, in bytes. If it is larger, something is in it that should not be. */
const mostBytes = 10 * 1024 * 1024;

/** Files of packages that Node.js does not run: for compilers, debuggers, people, and other systems. */
const unused = [
  /\.(map|md|markdown|flow|tsbuildinfo|yml|html)$/i,
  /\.[cm]?ts$/,
  /(^|\/)\.[^/]+$/,
  /(^|\/)(test|tests|__tests__|example|examples|doc|docs|coverage|typings)\//,
  /(^|\/)dist\/(browser|react-native|workerd|types)\//,
];
const licence = /(^|\/)(licen[sc]e|notice|copying)[^/]*$/i;
/** Packages that Node.js does not load. A package that the app needs depends on them only for browsers or compilers. */
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

/** The files of the project itself, without those that .funcignore excludes. */
function filesOfApp() {
  const lines = readFileSync(join(root, '.funcignore'), 'utf8').split(/\r?\n/);
  const ignored = new Set(lines.filter((line) => line.startsWith('/')).map((line) => line.slice(1)));
  const isLeftOut = (path) => ignored.has(path) || path === 'node_modules' || path.startsWith('.');
  return filesBelow('.', isLeftOut).filter((path) => !path.endsWith('.map'));
}

/** The folders of the packages that the app needs, according to the lockfile. */
function neededPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const needed = Object.keys(packages).filter((path) => {
    const { dev, devOptional, optional } = packages[path];
    return path !== '' && !dev && !devOptional && (!optional || existsSync(join(root, path)));
  });
  return needed.filter((path) => !unusedPackages.some((pattern) => pattern.test(path)));
}

/** The files of a package that Node.js may load, and its licence. Packages inside it are listed separately in the lockfile. */
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
  // The entries have a fixed time, so that the same files always give the same zip.
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
