"""Origin of a run that continues another one."""

import numpy as np
from pydantic import Field

from preroll.yaml_config import FileModel


class Origin(FileModel):
    """Reference to the run that a training continues, and where that run ended."""

    path: str = Field(description="its folder relative to the run's, so that both may be moved together")
    sha256: str = Field(description="hash of its result.json")
    sessions: int = Field(ge=0, description="sessions of all curves so far; the new curve counts on from here")
    lane_sessions: int = Field(
        ge=0,
        lt=np.iinfo(np.int32).max,
        description="number within its lane of the first session that no lane had begun; every lane goes on with it",
    )
    regret: float = Field(description="sum of the regret of all sessions so far")
