"""What the lab checks, by topic. Importing a module registers its scenarios."""
from . import (answers, clients, clock_file, control, core, crashes, encrypted, encrypted_upstream, faults, forward, local_root,  # noqa: F401
               query_log, random_zones, real_clients, real_upstreams, reload, signing, start, validation)  # noqa: F401
