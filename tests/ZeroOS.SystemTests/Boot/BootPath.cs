namespace ZeroOS.SystemTests.Boot;

/// <summary>One way in which a farmer's computer comes to the system.</summary>
/// <param name="Name">For people and figures.</param>
/// <param name="Medium">zeroos.img or zeroos.iso.</param>
/// <param name="As">What the computer takes it for: usb, sata, nvme, virtio, cd.</param>
/// <param name="Firmware">bios or uefi.</param>
/// <param name="More">More options for qemu/run.</param>
internal sealed record BootPath(string Name, string Medium, string As, string Firmware, params string[] More);
