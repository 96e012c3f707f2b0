"""Save checkpoints so that a failure never destroys an earlier one; resume only what fits."""

import hashlib
import io
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process, master_only
from mmengine.fileio import LocalBackend, get_file_backend, register_backend
from mmengine.hooks import CheckpointHook as MMEngineCheckpointHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, find_latest_checkpoint

from hrnet_ext import __version__
from hrnet_ext.checkpoints import load_checkpoint
from hrnet_ext.engine.work_dir import RUN_ID, OwnFiles, hold_folder
from hrnet_ext.models.weights.translation import COUNTER
from hrnet_ext.registry import HOOKS
from hrnet_ext.writing import check_writable, write_atomically

ATOMIC_BACKEND = 'hrnet_ext.atomic'
BEST = 'best_ckpt'  # prefix of the message hub's keys of the best checkpoints
ADAM_COPIES = 3  # the weights and the optimizer's two moments
TRAINING_STATE = ('meta', 'message_hub')


@register_backend(ATOMIC_BACKEND, force=True)
class AtomicBackend(LocalBackend):
    """MMEngine's local files with atomic writes."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; errors as :func:`hrnet_ext.writing.write_atomically`."""
        write_atomically(filepath, obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text; errors as :func:`hrnet_ext.writing.write_atomically`."""
        write_atomically(filepath, obj.encode(encoding))


@HOOKS.register_module()
class CheckpointHook(MMEngineCheckpointHook):
    """MMEngine's hook, made safe against full disks, crashes, mismatching resumes and other runs.

    Every file is written under a temporary name and renamed when complete. An outdated checkpoint
    (``max_keep_ckpts``, the previous best) is removed after its successor is complete, so there
    must be room for one more. A folder without write permission is reported before training.

    Only checkpoints that this training wrote itself are replaced or removed, see
    :class:`hrnet_ext.engine.work_dir.OwnFiles`. If it resumes from a checkpoint in another
    folder, that folder is not changed.

    Args:
        **kwargs: As MMEngine's ``CheckpointHook``. Object stores are left to MMEngine.
    """

    def before_train(self, runner: Runner) -> None:
        """Find the folder to save to and check that it is writable.

        Raises:
            OSError: If the folder cannot be written to.
        """
        self._lock = None
        folder = self._folder(runner)
        is_local = self._saves_to_local_files(folder)
        if is_local:
            self.backend_args = {'backend': ATOMIC_BACKEND}
            if is_main_process():
                check_writable(folder)
                check_writable(runner.work_dir)
                self._warn_of_little_space(runner, folder)
            self._lock = hold_folder(folder)
        surplus = self._take_over(runner, folder, is_local)
        super().before_train(runner)
        if is_main_process():
            for path in surplus:
                self._remove(path)

    def after_train(self, runner: Runner) -> None:
        """Publish checkpoints if configured, and release the folder."""
        super().after_train(runner)
        if self._lock is not None:
            self._lock.close()

    def _folder(self, runner: Runner) -> str:
        """Where checkpoints go: MMEngine appends the work dir's name to another ``out_dir``."""
        if self.out_dir in (None, runner.work_dir):
            return runner.work_dir
        return os.path.join(self.out_dir, os.path.basename(runner.work_dir.rstrip('/')))

    def _take_over(self, runner: Runner, folder: str, is_local: bool) -> list[str]:
        """Continue the list of checkpoints of the resumed training, if they are in this folder.

        The resumed message hub holds their paths at the time of writing.

        Returns:
            Checkpoints beyond ``max_keep_ckpts``.
        """
        hub, source = runner.message_hub, _source(runner)
        best = {key: path for key, path in hub.runtime_info.items() if key.startswith(BEST)}
        steps = list(hub.get_info('keep_ckpt_ids', []))
        run_id, listed = hub.get_info(RUN_ID), []
        if source is not None and _is_in(folder, source):
            hub.runtime_info.update({k: _rebased(folder, path) for k, path in best.items() if path})
            listed = [os.path.basename(path) for path in [source, *best.values()] if path]
            listed += [self.filename_tmpl.format(step) for step in steps]
        else:
            run_id, steps = None, []
            for key in best:
                hub.update_info(key, None)  # MMEngine warns of an absent key at each resume
            others = [path for path in best.values() if path]
            self._log_other_trainings(runner, folder, source, others)
        run_id = run_id or uuid.uuid4().hex
        hub.update_info(RUN_ID, run_id)
        self._own_files = OwnFiles(folder, run_id, listed) if is_local else None
        num_surplus = max(0, len(steps) - self.max_keep_ckpts) if self.max_keep_ckpts > 0 else 0
        hub.update_info('keep_ckpt_ids', steps[num_surplus:])
        return [os.path.join(folder, self.filename_tmpl.format(s)) for s in steps[:num_surplus]]

    def _log_other_trainings(
        self, runner: Runner, folder: str, source: str | None, best: list[str]
    ) -> None:
        if source is not None:
            score = f'; its best so far is {", ".join(best)}' if best else ''
            runner.logger.info(
                f'Resumed from {source}. Its folder is another one and is not changed{score}.'
            )
        names = sorted(path.name for path in Path(folder).glob('*.pth'))
        if names:
            runner.logger.warning(
                f'{folder} holds checkpoints of another training ({", ".join(names[:3])}'
                f'{", ..." if len(names) > 3 else ""}). They are kept: if this training needs the '
                'same name, the earlier file is renamed. To continue the earlier training, use '
                '--resume; to keep the trainings apart, use another --work-dir.'
            )

    def _claim(self, path: str) -> None:
        """Prepare for writing a file."""
        if self._own_files is not None and is_main_process():
            self._own_files.add(path)

    def _remove(self, path: str) -> None:
        own = self._own_files
        if own.includes(path) if own else _is_in(self.out_dir, path):
            _remove(self.file_backend, path)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Record the version of this package, beside MMEngine's."""
        checkpoint['meta']['hrnet_ext_version'] = __version__

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Reject a checkpoint that is not a complete training state of this model.

        MMEngine itself warns of tensors that do not fit, skips them and continues training.

        Raises:
            ValueError: If training state is absent, or a tensor is missing, unexpected or has
                another shape.
        """
        if not runner._resume:
            return
        source = _source(runner)
        if runner._load_from is None and not _is_in(self._folder(runner), source):
            raise ValueError(
                f'Cannot resume: last_checkpoint of {runner.work_dir} names {source}, in another '
                'folder; was this one moved? tools/train.py --resume finds the file here.'
            )
        absent = [key for key in TRAINING_STATE if key not in checkpoint]
        if absent or 'epoch' not in checkpoint['meta']:
            raise ValueError(
                f'Cannot resume from {source}: it holds weights but no state of a training. To '
                f'start a new training from them, set load_from and leave out --resume.'
            )
        if 'optimizer' not in checkpoint:
            runner.logger.warning(
                f'{source} has no optimizer state (best checkpoints have none): the optimizer '
                f'starts afresh. Resume from the last epoch_*.pth to continue exactly.'
            )
        differences = _differences(runner.model, checkpoint['state_dict'])
        if differences:
            examples = '; '.join(differences[:3])
            raise ValueError(
                f'Cannot resume from {source}: it is of another model, {len(differences)} tensors '
                f'differ ({examples}). Use the config it was trained with; to start a new training '
                f'from its weights, set load_from and leave out --resume.'
            )

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        outdated = self._make_room_for(runner, step)
        filename = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, filename)
        self._claim(self.last_ckpt)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            filename,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if not is_main_process():
            return
        write_atomically(Path(runner.work_dir) / 'last_checkpoint', self.last_ckpt.encode())
        for path in outdated:
            self._remove(path)

    def _make_room_for(self, runner: Runner, step: int) -> list[str]:
        """Add a step to those kept; returns the checkpoints to remove for it, oldest first."""
        if self.max_keep_ckpts <= 0 or step in list(self.keep_ckpt_ids)[-1:]:
            return []
        surplus = max(0, len(self.keep_ckpt_ids) + 1 - self.max_keep_ckpts)
        leaving = [self.keep_ckpt_ids.popleft() for _ in range(surplus)]
        self.keep_ckpt_ids.append(step)
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        names = [self.filename_tmpl.format(old) for old in leaving]
        return [self.file_backend.join_path(self.out_dir, name) for name in names]

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, float]) -> None:
        with self._removing_afterwards():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removing_afterwards(self) -> Iterator[None]:
        """Postpone removals until all writes inside the context are complete."""
        backend = self.file_backend
        self.file_backend = _SavesBest(backend, self._claim)
        try:
            yield
            held_back = self.file_backend.held_back
        finally:
            self.file_backend = backend
        for path in held_back:
            if path not in self._current():
                self._remove(path)

    def _current(self) -> set[str | None]:
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        return {self.last_ckpt, getattr(self, 'best_ckpt_path', None), *best}

    @master_only
    def _publish_model(self, runner: Runner, ckpt_path: str | None) -> None:
        if ckpt_path is None:  # no best checkpoint was saved
            return
        if not isinstance(self.file_backend, AtomicBackend):
            super()._publish_model(runner, ckpt_path)
            return
        checkpoint = load_checkpoint(ckpt_path)
        buffer = io.BytesIO()
        torch.save({k: v for k, v in checkpoint.items() if k in self.published_keys}, buffer)
        digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
        path = Path(ckpt_path).with_suffix('')
        path = path.with_name(f'{path.name}-{digest[:8]}.pth')
        write_atomically(path, buffer.getbuffer())
        runner.logger.info(f'{ckpt_path} is published as {path}, with {self.published_keys}.')

    def _saves_to_local_files(self, folder: str | Path) -> bool:
        if self.file_client_args is not None:
            return False
        backend = get_file_backend(folder, backend_args=self.backend_args)
        return type(backend) in (LocalBackend, AtomicBackend)

    def _warn_of_little_space(self, runner: Runner, folder: str) -> None:
        tensors = runner.model.state_dict().values()
        size = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        size *= ADAM_COPIES if self.save_optimizer else 1
        free = shutil.disk_usage(folder).free
        if free < 2 * size:
            runner.logger.warning(
                f'{folder} has {free / 1e6:,.0f} MB of free space; a checkpoint takes about '
                f'{size / 1e6:,.0f} MB, and there must be room for one more than are kept.'
            )


class _SavesBest:
    """A file backend for MMEngine's saving of the best checkpoint: it only records removals.

    Args:
        backend: The real one.
        claim: Called with each path that MMEngine builds, because it then writes to that path.
    """

    def __init__(self, backend: Any, claim: Callable[[str], None]) -> None:
        self._backend, self._claim = backend, claim
        self.held_back: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def join_path(self, folder: str, name: str) -> str:
        path = self._backend.join_path(folder, name)
        self._claim(path)
        return path

    def remove(self, path: str) -> None:
        self.held_back.append(path)

    rmtree = remove


def _source(runner: Runner) -> str | None:
    """The checkpoint that a runner resumes from; None for a new training."""
    if not runner._resume:
        return None
    return runner._load_from or find_latest_checkpoint(runner.work_dir)


def _is_in(folder: str, path: str) -> bool:
    if '://' in folder or '://' in path:
        return os.path.dirname(path) == folder.rstrip('/')
    return Path(path).resolve().parent == Path(folder).resolve()


def _rebased(folder: str, path: str) -> str:
    return os.path.join(folder, os.path.basename(path))


def _remove(backend: Any, path: str) -> None:
    if backend.isfile(path):
        backend.remove(path)
    elif backend.isdir(path):
        backend.rmtree(path)  # DeepSpeed's checkpoints are folders


def _differences(model: torch.nn.Module, state_dict: dict[str, torch.Tensor]) -> list[str]:
    """Differences between a state dict and a model, one line each."""
    if is_model_wrapper(model):
        model = model.module
    ours = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    theirs = {k.removeprefix('module.'): tuple(v.shape) for k, v in state_dict.items()}
    missing = [f'{k} is missing' for k in ours.keys() - theirs if not k.endswith(COUNTER)]
    surplus = [
        f'{k} is left over' for k in theirs.keys() - ours if not k.startswith('data_preprocessor.')
    ]
    shapes = [
        f'{k} is {theirs[k]} instead of {ours[k]}'
        for k in ours
        if theirs.get(k, ours[k]) != ours[k]
    ]
    return [*shapes, *sorted(missing), *sorted(surplus)]
