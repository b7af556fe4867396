"""Temperature, power, memory, network and camera of devices, and whether they are what they claim to be."""

from hybridobs.grafana import board, kpis, row
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Group

dashboard = board(
    "device",
    "Temperature, power, memory, network and camera of devices, and whether they are what they claim to be.",
    rows=[
        *kpis.group_rows(Group.DEVICE),
        row(
            "What is behind it",
            kpis.counted(h.POSTURE_PASSED, "control", title="Security controls verified, by control"),
            kpis.counted(m.PLATFORM, "runtime", "precision", title="Calls, by runtime and precision"),
            kpis.counted(h.REPORTS, "device_class", "version", title="Health reports, by device class and version"),
        ),
    ],
)
