"""The commands, a module each: ``make_parser()``, ``parse_args()``, ``run(args)`` and ``main()``.

``hrnet-ext COMMAND`` (:mod:`hrnet_ext.__main__`) and ``tools/COMMAND.py`` call ``main``. On import
a module loads nothing heavy, so that ``--help`` does not wait for PyTorch: ``run`` imports what it
needs.
"""
