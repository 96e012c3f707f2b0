"""Tell what of the stack is installed, what is broken, what compat repairs, what cures the rest.

Everything here must work where nothing else does: only the standard library is imported, and what
may fail is tried in a process of its own.
"""
