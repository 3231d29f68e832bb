"""The commands. Each module is one of them:

* its docstring: the first line is the summary, the rest explains;
* `ARGUMENTS`, how many words that are no flags it takes at most;
* `USAGE`, what follows the command's name, and `EXAMPLES`, whole command lines;
* `define(flags)` declares its flags on an `absl.flags.FlagValues`;
* `run(call)` does the work and returns a document that JSON can hold;
* `show(result)` returns the same for a person;
* `INTERRUPTED`, if there is one: what to do after Ctrl-C.

Nothing heavy is imported at the top of these modules, so that help is fast.
"""
