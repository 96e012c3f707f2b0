"""One process per GPU or, without GPUs, gloo between processes on CPUs."""

import os

import torch
from mmengine.config import Config
from torch import distributed

# Environment variables of each launcher: rank, number of processes, rank on this machine.
RANK_VARIABLES = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}
DEFAULT_PORT = '29500'  # MMEngine's


def set_launcher(cfg: Config, launcher: str) -> None:
    """Prepare a run of several processes; on GPUs MMEngine does this itself.

    MMEngine selects a CUDA device and passes it to DistributedDataParallel, which fails without
    a GPU. On CPUs the process group is therefore created here, and MMEngine uses it.

    Args:
        cfg: Gets ``launcher`` and, on CPUs, ``model_wrapper_cfg``.
        launcher: ``'none'``, ``'pytorch'`` (torchrun), ``'slurm'`` or ``'mpi'``.

    Raises:
        ValueError: If the process was not started by that launcher, or is the first for which this
            machine has no GPU.
        SystemExit: In later processes without a GPU: only one process reports it.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return
    _check_launched(launcher)
    if torch.cuda.is_available():
        _check_gpus(launcher)
        return
    cfg.model_wrapper_cfg = {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
        **cfg.get('model_wrapper_cfg', {}),
        'device_ids': None,
    }
    if not distributed.is_initialized():
        _init_gloo(launcher)


def _check_launched(launcher: str) -> None:
    absent = [name for name in RANK_VARIABLES[launcher][:2] if name not in os.environ]
    if absent:
        cure = {
            'pytorch': 'start it with tools/dist_train.sh, tools/dist_test.sh or torchrun',
            'slurm': 'start it with tools/slurm_train.sh, tools/slurm_test.sh or srun',
            'mpi': 'start it with mpirun',
        }
        raise ValueError(f'--launcher {launcher}: {absent[0]} is not set; {cure[launcher]}')


def _check_gpus(launcher: str) -> None:
    local_rank = int(os.environ.get(RANK_VARIABLES[launcher][2], 0))
    num_gpus = torch.cuda.device_count()
    if local_rank > num_gpus:
        raise SystemExit(1)
    if local_rank == num_gpus:
        raise ValueError(
            f'more processes than GPUs: {num_gpus} on this machine. Start as many, or set '
            'CUDA_VISIBLE_DEVICES= (to nothing) to run on CPUs'
        )


def _init_gloo(launcher: str) -> None:
    """Translate the launcher's variables to PyTorch's and join the process group."""
    rank, world_size, local_rank = RANK_VARIABLES[launcher]
    os.environ['RANK'] = os.environ[rank]
    os.environ['WORLD_SIZE'] = os.environ[world_size]
    os.environ['LOCAL_RANK'] = os.environ.get(local_rank, '0')
    os.environ.setdefault('MASTER_PORT', DEFAULT_PORT)
    if launcher == 'slurm':
        os.environ.setdefault('MASTER_ADDR', _first_host(os.environ['SLURM_NODELIST']))
    os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
    distributed.init_process_group('gloo')


def _first_host(node_list: str) -> str:
    """The first machine of Slurm's ``SLURM_NODELIST``: ``gpu[03-05,9],x`` -> ``gpu03``."""
    head, bracket, ranges = node_list.partition('[')
    if not bracket:
        return node_list.partition(',')[0]
    if ',' in head:
        return head.partition(',')[0]
    first = ranges.partition(']')[0].partition(',')[0].partition('-')[0]
    return head + first
