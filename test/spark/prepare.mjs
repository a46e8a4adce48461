import { fileURLToPath } from 'node:url';
import { preparePython, run } from '../kit/pythonEnvironment.mjs';

const who = "Spark's tests";
run('java', ['-version'], { who, whatFor: "Java 17 or newer (Debian's package default-jre-headless)" });
preparePython({
  who,
  name: 'spark-venv',
  requirementsFile: fileURLToPath(new URL('requirements.txt', import.meta.url)),
});
