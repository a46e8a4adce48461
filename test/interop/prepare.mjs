import { fileURLToPath } from 'node:url';
import { preparePython } from '../kit/pythonEnvironment.mjs';

preparePython({
  who: 'The interop tests',
  name: 'interop-venv',
  requirementsFile: fileURLToPath(new URL('requirements.txt', import.meta.url)),
});
