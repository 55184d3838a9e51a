"""Random changes to a batch of pictures, each a pure function of the pictures and a seed."""

import math
from typing import Protocol

import tensorflow as tf

from simlearn._typing import Tensor
from simlearn.errors import UserError


class Augmentation(Protocol):
    """A random change to a batch of pictures that the seed determines."""

    def __call__(self, images: Tensor, seed: Tensor, /) -> Tensor:
        """Change the pictures; the same pictures and seed give the same result, bit for bit.

        Args:
            images: float32 `(batch, height, width, channels)`, values in [0, 255].
            seed: int32 or int64 `(2,)`.

        Returns:
            float32, of the shape of `images`.
        """
        ...


def affine(
    *,
    rotation: float = 0.0,
    scale: float = 0.0,
    shift: float = 0.0,
    shear: float = 0.0,
    fill: float | None = None,
) -> Augmentation:
    """Turn, resize, move and slant each picture at random, about its centre.

    A point at p from the centre c goes to `c + s R(a) H(b) (p - c) + t`, with one draw a picture:
    the angles a and b uniform within their limits, log s uniform within `+-log(1 + scale)`, and t
    uniform within `shift` times the width and height. Pixels between four others are interpolated
    bilinearly, so a move by a fraction of a pixel counts, as on 8x8 digits it must.

    Args:
        rotation: Largest turn to either side, in degrees, [0, 180].
        scale: Largest enlargement, as a share, at least 0: 0.1 draws factors from 1/1.1 to 1.1.
        shift: Largest move along each axis, as a share of that side, at least 0.
        shear: Largest slant of the vertical lines to either side, in degrees, [0, 90).
        fill: The value outside the picture, 0 to 255; by default its edge is repeated, which suits
            ink on black and ink on white alike.

    Returns:
        The augmentation; with every limit 0 it returns the pictures unchanged.

    Raises:
        UserError: A limit is out of its range.

    Examples:
        >>> import tensorflow as tf
        >>> images = tf.random.stateless_uniform((2, 5, 7, 1), seed=(1, 2), maxval=255.0)
        >>> moved = affine(rotation=15, scale=0.1, shift=0.1)(images, tf.constant([3, 4]))
        >>> moved.shape.as_list()
        [2, 5, 7, 1]

    Reference:
        Simard, Steinkraus, Platt: Best Practices for Convolutional Neural Networks Applied to
        Visual Document Analysis. ICDAR 2003, section 2 (affine distortions of digits).
    """
    limits = {"rotation": (rotation, 180.0), "scale": (scale, math.inf), "shift": (shift, math.inf)}
    for name, (value, largest) in (limits | {"shear": (shear, 89.0)}).items():
        if not 0 <= value <= largest or math.isinf(value):
            raise UserError(f"{name} must lie in [0, {largest}], and came as {value}")

    def apply(images: Tensor, seed: Tensor) -> Tensor:
        draws = tf.random.stateless_uniform((5, tf.shape(images)[0]), seed, -1.0, 1.0)
        degree = math.pi / 180
        transforms = _inverse_affine(
            angle=draws[0] * (rotation * degree),
            factor=tf.exp(draws[1] * math.log1p(scale)),
            slant=draws[2] * (shear * degree),
            move=draws[3:] * shift,
            side=tf.cast(tf.shape(images)[2:0:-1], tf.float32),
        )
        return warp(images, transforms, fill=fill)

    return apply


def warp(images: Tensor, transforms: Tensor, *, fill: float | None = None) -> Tensor:
    """Look each pixel up at another place of its picture, bilinearly.

    The pixel at column x and row y of the result is the input's value at column
    `(a0 x + a1 y + a2) / k` and row `(b0 x + b1 y + b2) / k`, with `k = c0 x + c1 y + 1`.

    Args:
        images: float32 `(batch, height, width, channels)`.
        transforms: float32 `(batch, 8)`, each row `a0 a1 a2 b0 b1 b2 c0 c1`.
        fill: The value of every pixel outside the picture; by default that of the nearest one.

    Returns:
        float32 `(batch, height, width, channels)`.

    Examples:
        >>> import tensorflow as tf
        >>> row = tf.reshape(tf.constant([0.0, 10.0, 20.0]), (1, 1, 3, 1))
        >>> quarter_left = tf.constant([[1, 0, 0.25, 0, 1, 0, 0, 0]])
        >>> warp(row, quarter_left).numpy().ravel().tolist()
        [2.5, 12.5, 20.0]
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0 if fill is None else fill,
        interpolation="BILINEAR",
        fill_mode="NEAREST" if fill is None else "CONSTANT",
    )


def _inverse_affine(
    *, angle: Tensor, factor: Tensor, slant: Tensor, move: Tensor, side: Tensor
) -> Tensor:
    """Rows for `warp` that undo `c + s R(angle) H(slant) (p - c) + move * side`.

    Args:
        angle: Radians `(batch,)`.
        factor: s, `(batch,)`, positive.
        slant: Radians `(batch,)`.
        move: Shares of the side `(2, batch)`, to the right and down.
        side: Width and height, `(2,)`.

    Returns:
        float32 `(batch, 8)`.
    """
    cosine, sine, tangent = tf.cos(angle), tf.sin(angle), tf.tan(slant)
    # (s R H)^-1 = H^-1 R^-1 / s, with R = [[cos, -sin], [sin, cos]] and H = [[1, tan], [0, 1]].
    a0, a1 = (cosine + tangent * sine) / factor, (sine - tangent * cosine) / factor
    b0, b1 = -sine / factor, cosine / factor
    centre = (side - 1) / 2
    from_x, from_y = tf.unstack(centre[:, tf.newaxis] + move * side[:, tf.newaxis])
    a2 = centre[0] - (a0 * from_x + a1 * from_y)
    b2 = centre[1] - (b0 * from_x + b1 * from_y)
    zero = tf.zeros_like(angle)
    return tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=-1)
