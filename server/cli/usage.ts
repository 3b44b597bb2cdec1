import type { ArgDef, ArgsDef, CommandDef } from 'citty'
import { print } from './output.ts'

/** Prints the `--help` text, plain because it is also read in logs and pipes. */
export async function showUsage<Args extends ArgsDef>(target: CommandDef<Args>): Promise<void> {
  const { name = '', description = '', version } = (await resolved(target.meta)) ?? {}
  const args: ArgsDef = (await resolved(target.args)) ?? {}
  const commands = (await resolved(target.subCommands)) ?? {}
  const words = Object.entries(args).filter(([, arg]) => arg.type === 'positional')
  const options = Object.entries(args).filter(([, arg]) => arg.type !== 'positional')

  const synopsis = [
    name,
    ...words.map(([word, arg]) => (arg.required === true ? word.toUpperCase() : `[${word.toUpperCase()}]`)),
    ...options.filter(([, arg]) => arg.required === true).map(([option, arg]) => spelled(option, arg)),
    ...(options.some(([, arg]) => arg.required !== true) ? ['[options]'] : []),
    ...(Object.keys(commands).length > 0 ? ['COMMAND'] : []),
  ]
  print(`${description}.`, '', `  ${synopsis.join(' ')}`)
  const described = await Promise.all(
    Object.entries(commands).map(async ([word, command]) => {
      const meta = await resolved((await resolved(command))?.meta)
      return [word, meta?.description ?? ''] as const
    }),
  )
  printSection('Commands', described)
  printSection(
    'Words',
    words.map(([word, arg]) => [word.toUpperCase(), arg.description ?? '']),
  )
  printSection(
    'Options',
    options.map(([option, arg]) => [spelled(option, arg), arg.description ?? '']),
  )
  print(
    '',
    Object.keys(commands).length > 0
      ? `Help for a command: ${name} COMMAND --help${version === undefined ? '' : `   (version ${version})`}`
      : 'Settings come from porchlight.config.ts and PORCHLIGHT_… variables; see porchlight config check',
  )
}

function spelled(option: string, arg: ArgDef): string {
  return arg.type === 'string' ? `--${option} ${(arg.valueHint ?? option).toUpperCase()}` : `--${option}`
}

function printSection(title: string, rows: readonly (readonly [string, string])[]): void {
  if (rows.length === 0) return
  const width = Math.max(...rows.map(([word]) => word.length))
  print('', `${title}:`, ...rows.map(([word, text]) => `  ${word.padEnd(width)}  ${text}`))
}

export async function resolved<T>(value: T | Promise<T> | (() => T | Promise<T>) | undefined): Promise<T | undefined> {
  return typeof value === 'function' ? await (value as () => T | Promise<T>)() : await value
}
