"""Prints the dashboard: PYTHONPATH=packaging python -m pynats_packaging.grafana"""

from __future__ import annotations

import json
import sys

from pynats_packaging.grafana.dashboard import dashboard

json.dump(dashboard(), sys.stdout, indent=1, ensure_ascii=False)
sys.stdout.write("\n")
