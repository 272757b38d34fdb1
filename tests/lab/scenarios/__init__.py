"""What the lab checks, by topic. Importing a module registers its scenarios."""
from . import answers, clients, clock_file, control, core, crashes, faults, forward, local_root, reload, start, validation  # noqa: F401
