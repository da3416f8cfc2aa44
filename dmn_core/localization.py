"""The localizer: a map once, then a pose for every image.

Training, offline replay and the ROS nodes share it. State goes in and comes out: the localizer
holds weights and settings, never a belief.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dmn_core.calibration import UNCALIBRATED, Calibration
from dmn_core.errors import ConfigurationError, MapError
from dmn_core.image_at_poses import ImageAtPoses
from dmn_core.map_editing import view_ids
from dmn_core.mapping import EMBEDDING_CHANNELS
from dmn_core.networks import channels_last
from dmn_core.observation import LocalizationNetwork, PreparedMap
from dmn_core.particle_filter import Belief, Evidence, FilterSettings, Step, step
from dmn_core.particle_filter.initial_belief import gaussian_belief, uniform_belief
from dmn_core.views import (
    Area,
    ViewMap,
    Views,
    area_around,
    in_half_precision,
    resize_rgb,
    to_network_input,
)

# Without a stated area, a robot may be this far outside the box around the viewpoints.
DEFAULT_MARGIN_M = 3.0
NO_OFFSET = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Everywhere:
    """Start globally: uniform over the map's area, or over `area_m` if given."""

    particles: int = 2048
    area_m: Area | None = None


@dataclass(frozen=True)
class Near:
    """Start around a pose.

    Attributes:
        pose_map_base: of the robot: x [m], y [m], yaw [rad].
        covariance: 3x3 rows [m^2, m rad, rad^2], positive semi-definite.
    """

    pose_map_base: tuple[float, float, float]
    covariance: tuple[tuple[float, float, float], ...]
    particles: int = 2048


def choose_device(name: str) -> torch.device:
    """`auto`, `cuda`, `cuda:N` or `cpu` to a device.

    Raises:
        ConfigurationError: an unknown name, or CUDA asked for where there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise ConfigurationError(f"device wants auto, cuda, cuda:N or cpu, got {name!r}")
    gpus = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise ConfigurationError(f"device {name!r} wants a CUDA GPU, {gpus} are visible: use cpu")
    return device


class Localizer:
    """Maps and localizes with one network; works on a batch of robots, by default one.

    Images may have any size: they are resized to the network's, without rectification. Shipped
    weights expect a pinhole camera with 90 degrees field of view both ways.
    """

    def __init__(
        self,
        network: LocalizationNetwork,
        *,
        settings: FilterSettings | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        weights_fingerprint: str = "",
        calibration: Calibration = UNCALIBRATED,
    ) -> None:
        """Place the network on a device.

        Args:
            network: trained weights.
            settings: how the filter works; the paper's by default.
            device: where to compute.
            dtype: torch.bfloat16 computes convolutions in half precision, beliefs in float32.
            weights_fingerprint: put into maps, and asked of maps; see `checkpoint`.
            calibration: how probable it is that estimates with these weights are right.

        Raises:
            ConfigurationError: the network regresses poses instead of weighing particles.
        """
        if network.config.head != "likelihood":
            raise ConfigurationError(
                f"a localizer weighs particles and wants a network with head 'likelihood', got "
                f"{network.config.head!r}: use weights of another system"
            )
        self.device = torch.device(device)
        self.network = channels_last(network.to(self.device)).eval()
        self.settings = settings or FilterSettings()
        self.dtype = dtype
        self.weights_fingerprint = weights_fingerprint
        self.calibration = calibration
        self._map: ViewMap | None = None
        self._prepared: PreparedMap | None = None

    @property
    def view_map(self) -> ViewMap | None:
        """The map in use."""
        return self._map

    def build_map(self, views: Views, *, area_m: Area | None = None) -> ViewMap:
        """Encode views into a map of one place (B = 1).

        Args:
            views: pictures of any size with their viewpoints.
            area_m: where a robot may be; the box around the viewpoints with a margin if None.
        """
        images = self._network_images(views.images).unsqueeze(0)
        poses = torch.from_numpy(np.asarray(views.poses_map_camera, dtype=np.float32))
        with torch.inference_mode(), self._precision():
            # One by one, so that an embedding is the same to the bit whatever comes with it.
            parts = [self.network.encode_views(image) for image in images.split(1, dim=1)]
        return ViewMap(
            in_half_precision(torch.cat(parts, dim=1)),
            poses.unsqueeze(0).to(self.device),
            area_m or area_around(views.poses_map_camera, margin_m=DEFAULT_MARGIN_M),
            self.weights_fingerprint,
            views.records,
        )

    def use_map(self, view_map: ViewMap) -> None:
        """Localize in this map from now on.

        Raises:
            MapError: the map was made by other weights, or its embeddings have another shape.
        """
        self.require_fitting(view_map)
        view_map = view_map.to(self.device)
        with torch.inference_mode(), self._precision():
            self._prepared = self.network.prepare_map(view_map)
        self._map = view_map

    def update_map(self, view_map: ViewMap) -> None:
        """As `use_map`, computing only what the map before did not have.

        Beliefs in the map before keep their meaning where `map_editing.continues` says so.

        Raises:
            MapError: as `use_map`; or no map is in use.
        """
        before, prepared = self._map_in_use()
        self.require_fitting(view_map)
        view_map = view_map.to(self.device)
        places = {view_id: place for place, view_id in enumerate(view_ids(before))}
        known = [places.get(view_id) for view_id in view_ids(view_map)]
        with torch.inference_mode(), self._precision():
            self._prepared = self.network.update_map(prepared, view_map, known)
        self._map = view_map

    def require_fitting(self, view_map: ViewMap) -> None:
        """Raise a MapError where a map is by other weights, or of embeddings of another shape."""
        if view_map.weights_fingerprint != self.weights_fingerprint:
            raise MapError(
                f"the map was made by weights {view_map.weights_fingerprint!r}, the localizer "
                f"has {self.weights_fingerprint!r}: build the map again with these weights, or "
                "give the localizer the weights of the map"
            )
        wanted = (EMBEDDING_CHANNELS, *self.network.config.feature_size)
        if tuple(view_map.embeddings.shape[2:]) != wanted:
            raise MapError(
                f"the network wants embeddings of shape {wanted}, the map has "
                f"{tuple(view_map.embeddings.shape[2:])}: build the map again"
            )

    def start(self, initial: Everywhere | Near, generator: torch.Generator) -> Belief:
        """A first belief for every map of the batch.

        Raises:
            MapError: no map is in use, or nobody said which area it covers.
        """
        view_map = self._map_in_use()[0]
        batch = len(view_map.embeddings)
        if isinstance(initial, Near):
            mean = torch.tensor([initial.pose_map_base], device=self.device).expand(batch, 3)
            covariance = torch.tensor(initial.covariance, device=self.device)
            belief = gaussian_belief(
                mean, covariance, particles=initial.particles, generator=generator
            )
        else:
            area_m = initial.area_m or view_map.area_m
            if area_m is None:
                raise MapError("a global start wants an area, the map has none: give area_m")
            belief = uniform_belief(
                area_m, batch=batch, particles=initial.particles, generator=generator
            )
        return belief

    def step(
        self,
        belief: Belief,
        image: np.ndarray,
        odometry: np.ndarray,
        generator: torch.Generator,
        *,
        pose_base_camera: tuple[float, float, float] = NO_OFFSET,
        before: Evidence | None = None,
        started_with: int | None = None,
        may_resample: bool = True,
    ) -> Step:
        """Move the belief by odometry and weigh it by an image.

        The belief is about the robot's base, where odometry and its noise are at home; the network
        is asked about the camera.

        Args:
            belief: from `start` or the step before.
            image: (H, W, 3) or (B, H, W, 3) uint8 RGB of any size.
            odometry: (3,) or (B, 3) motion since the last step, the new pose of the robot seen
                from the old one [m, m, rad].
            generator: on the localizer's device.
            pose_base_camera: planar pose of the camera on the robot, x along its optical axis.
            before: evidence of the step before.
            started_with: number of particles at the start; that of `belief` if None.
            may_resample: whether to draw the belief anew where it is due.
        """
        view_map, prepared = self._map_in_use()
        images = self._network_images(image[None] if image.ndim == 3 else image)
        motion = torch.from_numpy(np.atleast_2d(np.asarray(odometry, dtype=np.float32)))
        mount = torch.tensor(pose_base_camera, dtype=torch.float32, device=self.device)
        with torch.inference_mode():
            with self._precision():
                query = self.network.encode_query(images)
            seen = ImageAtPoses(self.network, prepared, query, mount, self._precision)
            return step(
                belief,
                motion.to(self.device),
                seen.log_likelihood,
                settings=self.settings,
                generator=generator,
                elsewhere=seen.elsewhere(view_map.area_m, generator),
                before=before,
                started_with=started_with,
                may_resample=may_resample,
            )

    def warm_up(self, *, particles: int = 64) -> None:
        """Do one step in a map of nothing, so that the first real one waits for no library.

        The map in use, if any, stays in use.
        """
        config, before = self.network.config, (self._map, self._prepared)
        blank = np.zeros((1, config.image_height, config.image_width, 3), dtype=np.uint8)
        try:
            self.use_map(self.build_map(Views(blank, np.zeros((1, 3)))))
            random = self.generator(seed=0)
            belief = self.start(Everywhere(particles=particles), random)
            self.step(belief, blank[0], np.zeros(3), random)
        finally:
            self._map, self._prepared = before

    def generator(self, seed: int) -> torch.Generator:
        """A random generator on the localizer's device."""
        return torch.Generator(self.device).manual_seed(seed)

    def _map_in_use(self) -> tuple[ViewMap, PreparedMap]:
        if self._map is None or self._prepared is None:
            raise MapError("localizing wants a map, none is in use: call use_map first")
        return self._map, self._prepared

    def _network_images(self, images: np.ndarray) -> Tensor:
        """(M, H, W, 3) uint8 of any size -> (M, 3, H', W') network input on the device."""
        config = self.network.config
        resized = [
            resize_rgb(image, height=config.image_height, width=config.image_width)
            for image in images
        ]
        return to_network_input(torch.from_numpy(np.stack(resized)).to(self.device))

    def _precision(self) -> torch.autocast:
        enabled = self.dtype != torch.float32
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=enabled)
