from .catalog_update import update_catalog as update_catalog
from .framework.predictions import Predictions as Predictions
from .framework.settings import load_settings as load_settings
from .response import Response as Response
from .run import apply as apply
from .run import evaluate as evaluate
from .run import train as train
