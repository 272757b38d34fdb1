"""What the lab checks, by topic. Importing a module registers its scenarios."""
from . import (answers, bad_days, clients, clock_file, control, core, crashes, encrypted, encrypted_certificates, encrypted_clients,  # noqa: F401
               encrypted_servers, encrypted_upstream, faults, forward, kept, local_root, query_log, random_zones, reload,  # noqa: F401
               signing, signing_bind, start, validation, zone_keys)  # noqa: F401
