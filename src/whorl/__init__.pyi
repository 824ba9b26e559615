from whorl.api import denoise as denoise
from whorl.api import denoise_frame as denoise_frame
from whorl.api import emulate as emulate
from whorl.api import export as export
from whorl.api import identify as identify
from whorl.api import identify_many as identify_many
from whorl.api import quantify as quantify
from whorl.api import quantify_by_references as quantify_by_references
from whorl.api import read as read
from whorl.api import read_structure as read_structure
from whorl.api import refine as refine
from whorl.api import refine_many as refine_many
from whorl.api import refine_series as refine_series
from whorl.api import simulate as simulate
from whorl.api import solve as solve
from whorl.api import solve_pattern as solve_pattern
from whorl.api import suggest_measurement as suggest_measurement
from whorl.api import write_measurement as write_measurement
from whorl.api import write_structure as write_structure
from whorl.core.errors import WhorlError as WhorlError
from whorl.core.hypothesis import Cluster as Cluster
from whorl.core.hypothesis import Crystal as Crystal
from whorl.core.hypothesis import Site as Site
from whorl.core.measurement import Measurement as Measurement
from whorl.core.verdict import Verdict as Verdict
from whorl.core.workspace import Workspace as Workspace

__version__: str
