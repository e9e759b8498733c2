"""Conformance checks of the environment of any scenario.

They comprise the public checkers of Gymnasium and stable-baselines3, reproducibility, parity of the single and the
vector environment, and event frequencies.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from preroll.console.nearest import known
from preroll.envs.conformance import determinism, frequencies, seeding, third_party, vector_infos, vector_parity
from preroll.envs.conformance.sample import SessionSample
from preroll.envs.conformance.subject import SAMPLED_SLOTS, CheckFailedError, EnvUnderTest, NotApplicableError
from preroll.envs.model.tables import Tables
from preroll.envs.scenario.scenario import Scenario
from preroll.errors import PrerollError
from preroll.perception.catalog.catalog import Catalog
from preroll.shown.card import Card
from preroll.shown.shown import ShownTable

if TYPE_CHECKING:
    import pandas as pd

OK: Literal["ok"] = "ok"
FAILED: Literal["failed"] = "failed"
NOT_APPLICABLE: Literal["not applicable"] = "not applicable"

# Each check returns one line about what was checked, or raises CheckFailedError or NotApplicableError.
COPIES: dict[str, Callable[[EnvUnderTest], str]] = {
    "gymnasium": third_party.gymnasium_checks,
    "stable-baselines3": third_party.stable_baselines3_checks,
    "replay": determinism.replay,
    "infos": determinism.infos,
    "fresh arrays": determinism.fresh_arrays,
    "global seeds": determinism.poisoning,
    "pickling": determinism.pickling,
    "spec": determinism.spec,
    "seeding": seeding.seeding,
    "lanes": vector_parity.lanes,
    "autoreset": vector_parity.autoreset,
    "vector infos": vector_infos.conventions,
    "late infos": vector_infos.late_infos,
    "own memory": vector_infos.own_memory,
}
SAMPLED: dict[str, Callable[[SessionSample], str]] = {
    "truth": frequencies.truth,
    "bounds": frequencies.observation_bounds,
    "termination": frequencies.termination,
    "truncation": frequencies.truncation,
    "views": frequencies.views,
    "leaving": frequencies.leaving,
    "videos": frequencies.videos,
}
NAMES = (*COPIES, *SAMPLED)


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        name: name of the check.
        status: ``ok``, ``failed`` or ``not applicable``.
        why: reason or summary, in one line.
    """

    name: str
    status: Literal["ok", "failed", "not applicable"]
    why: str


@dataclass(frozen=True, repr=False)
class ConformanceReport(ShownTable):
    """Findings of all checks of one environment, in the order of the checks.

    Attributes:
        findings: one finding per check.

    Examples:
        >>> from preroll.envs import check_env
        >>> report = check_env("classic", "demo", seed=0, only=["replay", "infos"])
        >>> print(report)
        Checks of an environment: 2, none failed
        <BLANKLINE>
          check   result  what was checked
          replay  ok      50 sessions, 1,000 slots, played four times
          infos   ok      1,050 infos
        >>> report.ok, report.failed
        (True, ())
    """

    findings: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Findings of the checks that failed."""
        return tuple(finding for finding in self.findings if finding.status == FAILED)

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    def to_frame(self) -> "pd.DataFrame":
        """Returns one row a check: its name, ``status``, and ``why``."""
        import pandas as pd

        return pd.DataFrame([asdict(finding) for finding in self.findings])

    def _card(self) -> Card:
        failed = f"{len(self.failed)} failed" if self.failed else "none failed"
        ranked = sorted(self.findings, key=lambda finding: finding.status != FAILED)
        rows = [(finding.name, finding.status, finding.why) for finding in ranked]
        return Card(
            f"Checks of an environment: {len(rows)}, {failed}", {}, ("check", "result", "what was checked"), rows
        )


def check_env(
    scenario: str | Path | Mapping[str, Any] | Scenario = "classic",
    catalog: str | Path | Catalog = "demo",
    *,
    seed: int = 0,
    env_id: str = "preroll/Session-v0",
    slots: int = SAMPLED_SLOTS,
    only: Iterable[str] | None = None,
    advance: Callable[[int], None] | None = None,
) -> ConformanceReport:
    """Checks the environment of a scenario on a catalog: reproducibility, vector parity and event frequencies.

    Frequencies are compared with exact binomial bounds; for a correct environment, all of them together raise a false
    alarm for one seed in a million.

    Args:
        scenario: preset name, YAML file, mapping or object.
        catalog: name, folder or object.
        seed: seed of everything that is drawn.
        env_id: id of the registered environment; a subclass registered with Gymnasium can be checked as well.
        slots: size of the sample that is compared with the tables; more slots detect smaller errors.
        only: names of the checks to run; all of :data:`NAMES` by default.
        advance: called with 1 after every check.

    Returns:
        The report; failed checks are findings and raise no exception.

    Raises:
        PrerollError: If the scenario, the catalog, ``seed`` or ``slots`` is invalid, or a check does not exist.

    Examples:
        >>> from preroll.envs import check_env
        >>> report = check_env("classic", "demo", seed=0, only=["replay", "spec"])
        >>> report.ok, [finding.name for finding in report.findings]
        (True, ['replay', 'spec'])
    """
    wanted = list(NAMES if only is None else only)
    if unknown := [name for name in wanted if name not in NAMES]:
        raise PrerollError(f"check {unknown[0]!r}: no such check; {known(unknown[0], 'there are', NAMES)}")
    if seed < 0 or slots < 1:
        raise PrerollError(f"seed {seed}, slots {slots}: seed must not be negative, slots must be at least 1")
    import preroll  # noqa: F401  (registers the environment, also where only preroll.envs is used)

    tables = Tables.compile(scenario, catalog)
    run = _Run(EnvUnderTest(env_id, tables, seed, _arguments(scenario, tables), slots))
    findings = []
    for name in wanted:
        findings.append(run.check(name))
        if advance is not None:
            advance(1)
    return ConformanceReport(tuple(findings))


@dataclass(frozen=True)
class _Run:
    """The checks of one environment; the sample is drawn once, for the first check that needs it."""

    subject: EnvUnderTest

    @cached_property
    def sample(self) -> SessionSample:
        """Sample of many sessions with random ads."""
        return SessionSample(self.subject)

    def check(self, name: str) -> Finding:
        """Runs one check; any exception raised by the environment becomes a finding."""
        try:
            why = COPIES[name](self.subject) if name in COPIES else SAMPLED[name](self.sample)
        except NotApplicableError as reason:
            return Finding(name, NOT_APPLICABLE, str(reason))
        except CheckFailedError as reason:
            return Finding(name, FAILED, str(reason))
        except Exception as error:
            told = " ".join(str(error).split()) or "no message"
            return Finding(name, FAILED, f"{type(error).__name__}: {told}")
        return Finding(name, OK, why)


def _arguments(scenario: str | Path | Mapping[str, Any] | Scenario, tables: Tables) -> Mapping[str, Any] | None:
    """Returns scenario and catalog as JSON values, by name where given as text; None for a catalog without files."""
    if not tables.catalog.manifest["files"]:
        return None
    named = str(scenario) if isinstance(scenario, str | Path) else tables.scenario.model_dump(mode="json")
    return {"scenario": named, "catalog": str(tables.catalog.path)}
