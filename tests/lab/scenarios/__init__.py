"""What the lab checks, by topic. Importing a module registers its scenarios."""
from . import (answers, clients, clock_file, control, core, crashes, encrypted, encrypted_certificates, encrypted_clients, encrypted_servers, encrypted_upstream,  # noqa: F401
               faults, forward, local_root, query_log, random_zones, reload, signing, start, validation)  # noqa: F401
