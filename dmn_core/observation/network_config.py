"""Shape and variants of a network; written into its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from dmn_core.attention import AttentionWeights
from dmn_core.cameras.network_camera import BY_SHAPE, FieldOfView, NetworkCamera
from dmn_core.errors import CameraError, ConfigurationError

MapName = Literal["view_embedding", "latent_image", "latent_vector"]
HeadName = Literal["likelihood", "pose"]
CHOICES: dict[str, tuple[str, ...]] = {
    "map": get_args(MapName),
    "head": get_args(HeadName),
    "attention": get_args(AttentionWeights),
}


@dataclass(frozen=True)
class NetworkConfig:
    """Shape and variants of the network.

    Attributes:
        image_height, image_width: pixels; multiples of 4. Paper: 32x32, or 104x208 panoramas.
        map: `view_embedding` is the paper's; the latent maps are what it compares with.
        head: `likelihood` for a particle filter, `pose` for regression.
        attention: weights over views: softmax of scaled scalar products, the products themselves,
            or the plain mean (the ablation without attention). Of the view-embedding map only;
            latent maps are means.
        egocentric: viewpoints relative to the particle; False is the ablation of Table VI. Of the
            view-embedding map only; latent maps are in the map frame.
        final_relu: a relu on the log-likelihood, as the paper prints FC1.
        environment_scale_m: metres that the network sees as 1.
        field_of_view_deg: horizontal and vertical, of the camera that took the training images; a
            panorama from 180 across. 0, 0: as the shape of the images says, see `NetworkCamera`.
    """

    image_height: int = 32
    image_width: int = 32
    map: MapName = "view_embedding"
    head: HeadName = "likelihood"
    attention: AttentionWeights = "softmax"
    egocentric: bool = True
    final_relu: bool = False
    environment_scale_m: float = 20.0
    field_of_view_deg: FieldOfView = BY_SHAPE

    def __post_init__(self) -> None:
        """Refuse sizes that two halvings do not divide, and unknown variants."""
        for name in ("image_height", "image_width"):
            size = getattr(self, name)
            if size < 4 or size % 4:
                raise ConfigurationError(f"{name} wants a positive multiple of 4, got {size!r}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigurationError(
                    f"{name} wants {', '.join(choices[:-1])} or {choices[-1]}, "
                    f"got {getattr(self, name)!r}"
                )
        if not self.environment_scale_m > 0:
            raise ConfigurationError(
                f"environment_scale_m wants metres above 0, got {self.environment_scale_m!r}"
            )
        try:
            self.camera  # noqa: B018  it checks the field of view
        except CameraError as error:
            raise ConfigurationError(str(error)) from None

    @property
    def camera(self) -> NetworkCamera:
        """The camera whose images the network knows."""
        return NetworkCamera.of_size(
            height=self.image_height,
            width=self.image_width,
            field_of_view_deg=self.field_of_view_deg,
        )

    @property
    def attends_to_views(self) -> bool:
        """Whether views have scores: not for latent maps, and not for the plain mean."""
        return self.map == "view_embedding" and self.attention != "mean"

    @property
    def feature_size(self) -> tuple[int, int]:
        """Height and width of feature images: two halvings of the image's."""
        return self.image_height // 4, self.image_width // 4
