"""What `ros2 param dump` asks of a node: every parameter at once, each with a value."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient

from dmn_ros.declaration import declare, ros_name
from dmn_ros.localizer_parameters import LocalizerParameters
from dmn_ros.parameters import BagPlayerParameters, MapperParameters
from dmn_ros.simulator.parameters import SimulatorParameters
from dmn_ros.visualizer.parameters import VisualizerParameters

KINDS = (
    LocalizerParameters,
    MapperParameters,
    SimulatorParameters,
    VisualizerParameters,
    BagPlayerParameters,
)


@pytest.mark.parametrize("kind", KINDS)
def test_all_parameters_are_told_at_once(ros_context: Any, kind: type[Any]) -> None:
    """One without a value would empty the whole answer, and with it the file that is dumped."""
    node = rclpy.create_node(f"told_{kind.__name__.lower()}", context=ros_context)
    executor = SingleThreadedExecutor(context=ros_context)
    executor.add_node(node)
    client = AsyncParameterClient(node, node.get_name())
    try:
        declared = declare(node, kind)
        fields = dataclasses.fields(kind)
        assert client.wait_for_services(timeout_sec=180.0)
        answer = client.get_parameters([ros_name(field) for field in fields])
        executor.spin_until_future_complete(answer, timeout_sec=180.0)
        values = [parameter_value_to_python(value) for value in answer.result().values]
    finally:
        executor.remove_node(node)
        node.destroy_node()
    assert len(values) == len(fields)
    for field, value in zip(fields, values, strict=True):
        stated = getattr(declared, field.name)
        assert (tuple(value) if isinstance(stated, tuple) else value) == stated
