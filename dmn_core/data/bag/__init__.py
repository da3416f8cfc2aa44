"""Context views and query recordings from ROS 1 and ROS 2 bags, without ROS."""

from __future__ import annotations

from dmn_core.data.bag.query import QueryRecording, read_query
from dmn_core.data.bag.reader import Bag, TopicSummary, list_topics, open_bag
from dmn_core.data.bag.selection import ViewSelection, select_views
from dmn_core.data.bag.views import StampedView, read_camera_views, read_views

__all__ = [
    "Bag",
    "QueryRecording",
    "StampedView",
    "TopicSummary",
    "ViewSelection",
    "list_topics",
    "open_bag",
    "read_camera_views",
    "read_query",
    "read_views",
    "select_views",
]
