"""Devices: temperature, power, memory, network, camera, and whether they are what they claim to be."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Direction, Group, Ratio, Share, Sum

_ = Board(Group.DEVICE)

KPIS = (
    _.told(
        "device_reports", "Health reports", Count(h.REPORTS), "R14", "Reports of device health: no report, no health."
    ),
    *_.percentiles("temperature", "Temperature", h.TEMPERATURE, (0.5, 0.95), "T4", "Temperature of devices."),
    _.lower(
        "hot_share", "Devices above 80 °C", Share(h.TEMPERATURE, 80, above=True), "T4", "Share of reports above 80 °C."
    ),
    *_.percentiles("power", "Power", h.POWER, (0.5, 0.95), "T4", "Power that devices draw."),
    *_.percentiles("memory", "Memory", h.MEMORY, (0.5, 0.95), "T4", "Memory that the process uses."),
    *_.percentiles("cpu", "CPU", h.CPU, (0.5, 0.95), "T4", "CPU that the process uses."),
    *_.percentiles(
        "device_memory_utilization",
        "Memory of the device",
        h.SYSTEM_MEMORY,
        (0.5, 0.95),
        "T4",
        "Share of the device's memory in use, whoever uses it.",
    ),
    *_.percentiles(
        "device_cpu_utilization",
        "CPU of the device",
        h.SYSTEM_CPU,
        (0.5, 0.95),
        "T4",
        "Share of the device's CPU in use, whoever uses it.",
    ),
    *_.percentiles(
        "device_disk_free",
        "Free on disk",
        h.DISK_FREE,
        (0.05, 0.5),
        "T4",
        "Room left for models, updates and the spool.",
        better=Direction.HIGHER,
    ),
    *_.percentiles(
        "gpu_utilization",
        "GPU",
        h.GPU,
        (0.5, 0.95),
        "T4",
        "Share of time in which the GPUs are at work.",
        better=Direction.HIGHER,
    ),
    *_.percentiles(
        "gpu_memory_utilization",
        "Memory of the GPU",
        h.GPU_MEMORY,
        (0.5, 0.95),
        "T4",
        "Share of the GPUs' memory in use.",
    ),
    *_.percentiles("gpu_power", "Power of the GPUs", h.GPU_POWER, (0.5, 0.95), "T4", "Power that the GPUs draw."),
    _.lower(
        "memory_over_1_5",
        "Memory above 1.5 × model",
        Share(h.MEMORY_RATIO, 1.5, above=True),
        "T11",
        "Share of reports in which memory exceeds one and a half times the model's size.",
    ),
    _.lower(
        "memory_over_2",
        "Memory above 2 × model",
        Share(h.MEMORY_RATIO, 2, above=True),
        "T11",
        "Share of reports in which memory exceeds twice the model's size.",
    ),
    _.lower("memory_crashes", "Out of memory", Count(h.MEMORY_CRASHES), "T11", "Crashes for want of memory."),
    *_.percentiles(
        "battery_charge",
        "Battery charge",
        h.CHARGE,
        (0.05, 0.5),
        "F8",
        "Charge left when devices report.",
        better=Direction.HIGHER,
    ),
    _.higher(
        "connected_share",
        "Time with a network",
        Ratio(Sum(h.CONNECTED), Sum(h.EXPECTED)),
        "T12",
        "Share of observed time in which devices had a network.",
    ),
    _.lower(
        "dropped_frame_share",
        "Dropped frames",
        Ratio(Sum(h.FRAMES_DROPPED), Sum(h.FRAMES)),
        "N16",
        "Share of camera frames that were not looked at.",
    ),
    _.higher(
        "frames_per_second",
        "Frames per second",
        Ratio(Sum(h.FRAMES), Sum(h.FRAME_TIME), each="{frame}/s"),
        "N16",
        "Frames that a camera gives in a second, on average.",
    ),
    _.higher(
        "posture_share",
        "Security controls verified",
        rate(h.POSTURE_PASSED, h.POSTURE_CHECKS),
        "R8",
        "Share of reported controls (disk encryption, secure boot, signed firmware, attestation) that were verified.",
        objective=1.0,
        minimum_sample=1,
    ),
)
