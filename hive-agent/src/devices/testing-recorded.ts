/** What the makers' tools printed on real boards, shortened to a few of them. */
export const recorded = {
  nvidia: `0, NVIDIA GeForce RTX 4090, 24564, 23028, 550.54.15, 8.9
1, NVIDIA H200, 143771, 143000, 550.54.15, 9.0
2, NVIDIA H200 MIG 1g.18gb, [N/A], [N/A], 550.54.15, 9.0
`,

  /** Newer versions; the second board does not tell. */
  amdStatic: `WARNING: User is missing the following required groups: render, video. Please add user to these groups.
{
  "gpu_data": [
    {
      "gpu": 0,
      "asic": {
        "market_name": "AMD Radeon AI PRO R9700",
        "vendor_id": "0x1002",
        "vendor_name": "Advanced Micro Devices Inc. [AMD/ATI]",
        "device_id": "0x7551",
        "num_compute_units": 64,
        "target_graphics_version": "gfx1201"
      },
      "driver": { "name": "amdgpu", "version": "6.19.14" },
      "vram": { "type": "GDDR6", "vendor": "SAMSUNG", "size": { "value": 32704, "unit": "MB" } }
    },
    { "gpu": 1, "asic": "N/A", "vram": { "size": "N/A" }, "driver": "N/A" }
  ]
}`,
  amdMetric: `{
  "gpu_data": [
    {
      "gpu": 0,
      "mem_usage": {
        "total_vram": { "value": 32704, "unit": "MB" },
        "used_vram": { "value": 704, "unit": "MB" },
        "free_vram": { "value": 32000, "unit": "MB" },
        "total_gtt": { "value": 0, "unit": "MB" }
      }
    }
  ]
}`,

  rocm: `{
  "card0": {
    "VRAM Total Memory (B)": "21458059264",
    "VRAM Total Used Memory (B)": "27856896",
    "Card Series": "Radeon RX 7900 XT",
    "Card Model": "0x744c",
    "Card Vendor": "Advanced Micro Devices, Inc. [AMD/ATI]",
    "Card SKU": "D70401XT",
    "Node ID": "1",
    "GUID": "26967",
    "GFX Version": "gfx1100"
  },
  "system": { "Driver version": "6.10.5" }
}`,
} as const;
