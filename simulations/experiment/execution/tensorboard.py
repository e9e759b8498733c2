"""TensorBoard data of an experiment besides curves: policy maps, the table of cells, a layout."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preroll.envs.model.tables import Tables
from preroll.envs.policies.policy import Policy
from preroll.envs.policies.policy_map import policy_map
from preroll.envs.rendering.policy_plot import policy_png
from preroll.files import atomic
from preroll.simulations.evaluation.agent_result import AgentResult, share_column
from preroll.simulations.experiment.design.names import short_keys, value_text
from preroll.simulations.experiment.design.plan import Cell, Plan
from preroll.simulations.training.curves import TAGS, share_tags
from preroll.simulations.training.timing import TIME_TAGS
from preroll.tensorboard_writer import NAME, EventFile

POLICY = "policy/most shown ad by category and fatigue"
#: Final metrics of a cell, shown in the HPARAMS tab with the share of every length class.
METRICS = (
    "percent_of_optimum",
    "revenue",
    "regret",
    "view_rate",
    "empty_share",
    "session_length",
    "terminated_share",
)
_LAYOUT = {
    "How much is earned": ("session/percent_of_optimum", "session/revenue", "session/regret", "regret/total"),
    "What is shown": ("session/empty_share", "session/view_rate"),  # and the share of every length class
    "How users take it": ("session/length", "session/terminated"),
    "Where the time goes": tuple(TIME_TAGS),
}


def write_policy(events: EventFile, step: int, tables: Tables, policy: Policy) -> None:
    """Adds the map of a policy as a picture.

    Args:
        events: event file of the cell.
        step: sessions seen.
        tables: the scenario on the catalog.
        policy: the agent's policy table.
    """
    events.write_picture(step, POLICY, policy_png(tables, policy_map(tables, policy)))


def write_settings_and_metrics(events: EventFile, cell: Cell, evaluation: AgentResult) -> None:
    """Adds the data of the HPARAMS tab: settings of the cell, and its final metrics.

    Args:
        events: event file of the cell.
        cell: the cell, for its settings.
        evaluation: the cell's evaluation.
    """
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

    start = SessionStartInfo(group_name=cell.id)
    for name, value in _settings(cell).items():
        field = start.hparams[name]
        if isinstance(value, bool):
            field.bool_value = value
        elif isinstance(value, int | float):
            field.number_value = value
        else:
            field.string_value = value
    version = metadata.PLUGIN_DATA_VERSION
    for tag, content in (
        (metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start, version=version)),
        # 1 is STATUS_SUCCESS: only complete cells are written.
        (metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=SessionEndInfo(status=1), version=version)),
    ):
        events.write_for_plugin(0, _plugin_value(tag, metadata.PLUGIN_NAME, content.SerializeToString()))
    numbers = evaluation.to_dict()
    names = (*METRICS, *map(share_column, evaluation.shares))
    events.write(cell.sessions, {f"final/{name}": float(numbers[name]) for name in names})


def write_layout(logdir: Path, plan: Plan) -> None:
    """Writes the data shared by all cells: the layout of CUSTOM SCALARS, and names and metrics of HPARAMS.

    Args:
        logdir: TensorBoard's logdir.
        plan: the experiment.
    """
    with atomic.folder(logdir / "layout", "layout") as folder, EventFile(folder) as events:
        events.write_for_plugin(0, _layout_value(plan))
        events.write_for_plugin(0, _hparams_value(plan))
    assert (logdir / "layout" / NAME).is_file()


def _settings(cell: Cell) -> Mapping[str, Any]:
    keys = short_keys(list(cell.values))
    varied = {keys[key]: _plain(value) for key, value in cell.values.items()}
    given = {f"{cell.agent}.{name}": _plain(value) for name, value in cell.settings.items()}
    return {"agent": cell.label, "seed": cell.seed, "sessions": cell.sessions, **varied, **given}


def _plain(value: Any) -> Any:
    value = value["scale"] if isinstance(value, Mapping) and set(value) == {"scale"} else value
    return value if isinstance(value, str | int | float | bool) else value_text(value)


def _layout_value(plan: Plan) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, Layout, MultilineChartContent

    shares = share_tags(plan.lengths)
    meanings = {**TAGS, **TIME_TAGS, **shares}
    charts = {**_LAYOUT, "What is shown": (*shares, *_LAYOUT["What is shown"])}
    layout = Layout(
        category=[
            Category(
                title=title,
                chart=[
                    Chart(title=meanings[tag], multiline=MultilineChartContent(tag=[f"^{re.escape(tag)}$"]))
                    for tag in tags
                ],
            )
            for title, tags in charts.items()
        ]
    )
    value = _plugin_value("custom_scalars__config__", "custom_scalars", b"")
    tensor = TensorProto(dtype=7, string_val=[layout.SerializeToString()], tensor_shape=TensorShapeProto())  # 7: string
    return Summary.Value(tag=value.tag, metadata=value.metadata, tensor=tensor)


def _hparams_value(plan: Plan) -> Any:
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.api_pb2 import Experiment, HParamInfo, MetricInfo, MetricName
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    kinds: dict[str, int] = {}
    for cell in plan.cells:
        for name, value in _settings(cell).items():
            # of api_pb2.DataType: 1 string, 2 bool, 3 float64
            kind = 2 if isinstance(value, bool) else 3 if isinstance(value, int | float) else 1
            kinds[name] = kind if kinds.get(name, kind) == kind else 0  # 0: unset, for a name with values of two kinds
    titles = {name: name.replace("_", " ") for name in METRICS} | {n: n for n in map(share_column, plan.lengths)}
    experiment = Experiment(
        description=plan.description,
        hparam_infos=[HParamInfo(name=name, type=kind) for name, kind in kinds.items()],
        metric_infos=[
            MetricInfo(name=MetricName(tag=f"final/{name}"), display_name=title) for name, title in titles.items()
        ],
    )
    content = HParamsPluginData(experiment=experiment, version=metadata.PLUGIN_DATA_VERSION)
    return _plugin_value(metadata.EXPERIMENT_TAG, metadata.PLUGIN_NAME, content.SerializeToString())


def _plugin_value(tag: str, plugin: str, content: bytes) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata

    data = SummaryMetadata.PluginData(plugin_name=plugin, content=content)
    return Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=data))
