import type { Command } from 'commander'
import { type Context, command, PROGRAM } from '../command.ts'

export function completionCommand({ terminal }: Context): Command {
  return command('completion', 'prints a script for bash or zsh that completes commands and options')
    .action(async (_options: object, self: Command) => {
      await terminal.print(scriptFor(self.parent!))
    })
    .addHelpText(
      'after',
      `
In ~/.bashrc, or in ~/.zshrc after "autoload -U bashcompinit compinit && compinit && bashcompinit", if ${PROGRAM} is on the PATH:

  source <(${PROGRAM} completion)`,
    )
}

function scriptFor(program: Command): string {
  const optionsOf = (command: Command): string => [...command.options.map(({ long }) => long), '--help'].join(' ')
  const cases = program.commands.map((command) => `    ${command.name()}) words="${optionsOf(command)}" ;;`)
  const names = program.commands.map((command) => command.name()).join(' ')
  return `_connect_databank() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words="${names} --help --version"
  [ "$COMP_CWORD" -gt 1 ] && words=""
  [ "$COMP_CWORD" -gt 1 ] && case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _connect_databank ${PROGRAM}`
}
