"""What is measured, one module for each subject.

A part is a function ``run(options: Options, report: Report, stage: Stage) -> None``: it adds tables
to the report as soon as it has something to put in, so that an interrupted run keeps them. What one
contestant cannot do is written into the table; what the part cannot do at all it raises as
``ValueError`` or ``OSError``, and the other parts still run.
"""

PARTS = ('forward', 'train', 'data', 'codec', 'test', 'growth', 'inferencer', 'export', 'eval')
"""Their names, which are those of the modules; in the order in which they run."""
