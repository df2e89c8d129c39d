/** `interplay kernel install | uninstall | start`. */
import { type Command, Option } from 'commander';
import { userError } from '../core/index.ts';
import { readConnection } from '../kernel/connection.ts';
import {
  DEFAULT_NAME,
  installKernelspec,
  type KernelspecPlace,
  spawnKernel,
  uninstallKernelspec,
} from '../kernel/kernelspec.ts';
import { TYPE_CHECK_MODES, type TypeCheckMode } from '../kernel/type-check-mode.ts';

interface PlaceOptions {
  user?: boolean;
  prefix?: string;
  sysPrefix?: boolean;
  name: string;
  json?: boolean;
}

export function register(program: Command): void {
  const kernel = program.command('kernel').description('make the TypeScript kernel known to Jupyter');
  placed(kernel.command('install').description('write the kernelspec'))
    .addOption(typeCheckOption())
    .action((options: PlaceOptions & { typeCheck?: TypeCheckMode }) => {
      print(options, 'installed', installKernelspec(options.name, place(options), options.typeCheck));
    });
  placed(kernel.command('uninstall').description('remove the kernelspec')).action((options: PlaceOptions) => {
    print(options, 'removed', uninstallKernelspec(options.name, place(options)));
  });
  kernel
    .command('start')
    .description('start a kernel on a connection file that a front end wrote')
    .argument('<connection-file>')
    .addOption(typeCheckOption())
    .action(async (file: string, { typeCheck }: { typeCheck?: TypeCheckMode }) => {
      readConnection(file);
      const child = spawnKernel(file, { cwd: process.cwd(), stdio: 'inherit', typeCheck });
      process.exitCode = await new Promise<number>((resolve, reject) => {
        child.once('error', reject);
        child.once('exit', (code) => resolve(code ?? 1));
      });
    });
}

function typeCheckOption(): Option {
  return new Option('--type-check <mode>', 'what a type error in a cell does').choices(TYPE_CHECK_MODES);
}

function placed(command: Command): Command {
  return command
    .option('--user', "in the user's Jupyter folder (default)")
    .option('--prefix <folder>', 'under FOLDER/share/jupyter')
    .option('--sys-prefix', 'in the active Python environment (VIRTUAL_ENV or CONDA_PREFIX)')
    .option('--name <name>', 'name of the kernelspec', DEFAULT_NAME)
    .option('--json', 'print one JSON document');
}

function place({ user, prefix, sysPrefix }: PlaceOptions): KernelspecPlace {
  const given = [user, prefix, sysPrefix].filter((option) => option !== undefined);
  if (given.length > 1) {
    throw userError(
      'KERNEL_PLACE',
      'one of --user, --prefix and --sys-prefix',
      `${given.length} of them`,
      'give one',
    );
  }
  if (prefix === '') {
    throw userError(
      'KERNEL_PLACE',
      'a folder after --prefix',
      'an empty name',
      'check the variable that it came from',
    );
  }
  if (prefix !== undefined) return { prefix };
  if (sysPrefix !== true) return {};
  const active = process.env.VIRTUAL_ENV ?? process.env.CONDA_PREFIX;
  if (active === undefined) {
    throw userError(
      'KERNEL_NO_ENVIRONMENT',
      'an active Python environment',
      'none',
      'activate one, or use --prefix FOLDER',
    );
  }
  return { prefix: active };
}

function print(options: PlaceOptions, done: string, folder: string): void {
  const { name } = options;
  process.stdout.write(
    options.json ? `${JSON.stringify({ [done]: folder, name })}\n` : `${done} ${name}: ${folder}\n`,
  );
}
