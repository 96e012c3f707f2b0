"""The build: setup.cfg says it all, but for one thing that an editable install needs."""

from pathlib import Path

from setuptools import setup
from setuptools.command.editable_wheel import editable_wheel


class EditableWheel(editable_wheel):
    """An editable install that mim and MMEngine find.

    Both look for a package's configs and tools in ``<location>/<first line of top_level.txt>``,
    where the location of an editable install is site-packages, which has none of them. An absolute
    path in that line wins over the location, so it leads to the checkout's ``hrnet_ext/.mim``.
    """

    def _ensure_dist_info(self) -> None:
        super()._ensure_dist_info()
        package = Path(self.project_dir).resolve() / 'hrnet_ext'
        Path(self.dist_info_dir, 'top_level.txt').write_text(f'{package}\nhrnet_ext\n')


setup(cmdclass={'editable_wheel': EditableWheel})
