"""Less shift, scaling and rotation than for photos, because rendered people are easier."""

mild = dict(
    type='hrnet_ext.RandomBBoxTransform',
    shift_factor=0.08,
    scale_factor=(0.8, 1.2),
    rotate_factor=30,
    rotate_prob=0.5,
)
