"""The commands. Each module is one command and has

* a docstring: the first line is the summary, the rest the explanation;
* `ARGUMENTS`, the largest number of words that are not flags;
* `USAGE`, the text after the command's name, and `EXAMPLES`, whole command lines;
* `define(flags)`, which declares its flags on an `absl.flags.FlagValues`;
* `run(call)`, which does the work and returns a JSON-serialisable document;
* `show(result)`, which returns that document as text;
* optionally `INTERRUPTED`, the advice after Ctrl-C.

The modules import nothing slow at the top, so that help is fast.
"""
