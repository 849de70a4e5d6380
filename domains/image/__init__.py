"""Pictures: folders of photographs, paintings, maps, scans, or arrays of any number of channels.

The names below are public: what footage takes of pictures is among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names

if TYPE_CHECKING:
    from .animation import animation_frames, is_animated
    from .conversion import PictureReader
    from .domain import Image
    from .encoding import depth_for, format_of, save_picture
    from .files import read_header, read_picture
    from .kinds import is_picture_name
    from .large import Detail, is_large, reduced, size_note, working_size
    from .layered import is_cropped, laid_out, prepare_files
    from .layouts import Sheet
    from .masked import Masked
    from .masks import check_size, feathered, mask_of, mixed, read_mask
    from .metadata import packet_in_gif
    from .near_duplicates import compare_looks, near_files
    from .picture import (
        Picture,
        Pixels,
        Timing,
        of_depth,
        over_white,
        resized,
        to_array,
        to_pixels,
        to_tensor,
        with_channels,
    )
    from .png import is_rec709
    from .sampling import PictureCache, centred, fitted, fitted_size, random_crop
    from .scan import brightness, fingerprint
    from .scores import levels
    from .settings import CropSettings, ImageConversion, ImageSettings, PixelConversion, ViewSettings
    from .tiles import Span, blended, spans
    from .tone import apply_gamma, undo_gamma
    from .training_masks import MaskFolder, in_levels, kept

__all__ = [
    "CropSettings",
    "Detail",
    "Image",
    "ImageConversion",
    "ImageSettings",
    "MaskFolder",
    "Masked",
    "Picture",
    "PictureCache",
    "PictureReader",
    "PixelConversion",
    "Pixels",
    "Sheet",
    "Span",
    "Timing",
    "ViewSettings",
    "animation_frames",
    "apply_gamma",
    "blended",
    "brightness",
    "centred",
    "check_size",
    "compare_looks",
    "depth_for",
    "feathered",
    "fingerprint",
    "fitted",
    "fitted_size",
    "format_of",
    "in_levels",
    "is_animated",
    "is_cropped",
    "is_large",
    "is_picture_name",
    "is_rec709",
    "kept",
    "laid_out",
    "levels",
    "mask_of",
    "mixed",
    "near_files",
    "of_depth",
    "over_white",
    "packet_in_gif",
    "prepare_files",
    "random_crop",
    "read_header",
    "read_mask",
    "read_picture",
    "reduced",
    "resized",
    "save_picture",
    "size_note",
    "spans",
    "to_array",
    "to_pixels",
    "to_tensor",
    "undo_gamma",
    "with_channels",
    "working_size",
]

__getattr__ = lazy_names(__name__, {
    ".animation": ["animation_frames", "is_animated"],
    ".conversion": ["PictureReader"],
    ".domain": ["Image"],
    ".encoding": ["depth_for", "format_of", "save_picture"],
    ".files": ["read_header", "read_picture"],
    ".kinds": ["is_picture_name"],
    ".large": ["Detail", "is_large", "reduced", "size_note", "working_size"],
    ".layered": ["is_cropped", "laid_out", "prepare_files"],
    ".layouts": ["Sheet"],
    ".masked": ["Masked"],
    ".masks": ["check_size", "feathered", "mask_of", "mixed", "read_mask"],
    ".metadata": ["packet_in_gif"],
    ".near_duplicates": ["compare_looks", "near_files"],
    ".picture": ["Picture", "Pixels", "Timing", "of_depth", "over_white", "resized", "to_array", "to_pixels",
                 "to_tensor",
                 "with_channels"],
    ".png": ["is_rec709"],
    ".sampling": ["PictureCache", "centred", "fitted", "fitted_size", "random_crop"],
    ".scan": ["brightness", "fingerprint"],
    ".scores": ["levels"],
    ".settings": ["CropSettings", "ImageConversion", "ImageSettings", "PixelConversion", "ViewSettings"],
    ".tiles": ["Span", "blended", "spans"],
    ".tone": ["apply_gamma", "undo_gamma"],
    ".training_masks": ["MaskFolder", "in_levels", "kept"],
})  # fmt: skip
