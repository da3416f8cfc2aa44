"""Quality-of-service profiles of the topics."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rclpy.exceptions import InvalidParameterTypeException
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    InvalidQoSProfileException,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions
from rclpy.subscription import Subscription

from dmn_core.errors import ConfigurationError

# The last message reaches whoever starts later.
LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
# As above, for topics such as /tf_static on which several messages count.
MANY_LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
RELIABLE = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE
)
# What tf2's own broadcaster offers.
TRANSFORMS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.RELIABLE
)
# Sensors may publish best effort; a best-effort subscriber hears every publisher.
SENSOR = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.BEST_EFFORT
)
FAST_SENSOR = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.BEST_EFFORT
)
# Replay: nothing may be lost, however fast a bag is played.
EVERYTHING = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5000, reliability=ReliabilityPolicy.RELIABLE
)


@contextmanager
def overridable(
    quality: QoSProfile, *, second: str | None = None
) -> Iterator[tuple[QoSProfile, dict[str, Any]]]:
    """A profile, and options, for a publisher or subscription that users may override.

    They do by parameters such as `qos_overrides./pose.publisher.reliability`.

    Args:
        quality: where they override nothing.
        second: name of the second one of a topic on a node, which has parameters of its own.

    Raises:
        ConfigurationError: to something that is no quality of service.
    """
    try:
        # rclpy writes what users want into the profile, which others share.
        own = copy.copy(quality)
        options = QoSOverridingOptions.with_default_policies(entity_id=second)
        yield own, {"qos_overriding_options": options}
    except (
        InvalidParameterTypeException,
        InvalidQosOverridesError,
        InvalidQoSProfileException,
        RuntimeError,
    ) as error:
        raise ConfigurationError(f"a parameter below qos_overrides is no good: {error}") from error


def make_publisher(node: Node, kind: Any, topic: str, quality: QoSProfile) -> Publisher:
    """A publisher of a node without a lifecycle.

    Raises:
        ConfigurationError: users want a quality of service that there is not.
    """
    with overridable(quality) as (own, options):
        publisher: Publisher = node.create_publisher(kind, topic, own, **options)
    return publisher


def make_subscription(
    node: Node,
    kind: Any,
    topic: str,
    callback: Callable[[Any], None],
    quality: QoSProfile,
    *,
    second: str | None = None,
) -> Subscription:
    """A subscription of any node; `second` as of `overridable`.

    Raises:
        ConfigurationError: users want a quality of service that there is not.
    """
    with overridable(quality, second=second) as (own, options):
        subscription: Subscription = node.create_subscription(kind, topic, callback, own, **options)
    return subscription
