namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// The image that firmware boots in tests. On a computer with KVM it is the built one. In emulation it is made of the same parts, with one word more on its
/// command line: QEMU 7.2's cmpxchg16b (see qemu/run) breaks about one start of fifteen of a kernel that uses it. It also has a serial console, so that a start
/// that fails says why. <see cref="FarmersPathTests"/>, <see cref="TrustPageTests"/> and <see cref="ScreenTests"/> boot the built image itself.
/// </summary>
internal static class BootableImage
{
    /// <summary>What a kernel in emulation is told.</summary>
    public const string EmulatedKernel = "clearcpuid=cx16";

    private static readonly Lazy<Task<string>> s_folder = new(Build);

    /// <summary>Its folder, as make image leaves one in out; built once.</summary>
    public static Task<string> Folder => s_folder.Value;

    /// <summary>One of its files.</summary>
    public static async Task<string> File(params string[] path) => Path.Combine([await Folder, .. path]);

    private static async Task<string> Build()
    {
        if (IsReal)
            return Checkout.Path("out");
        string folder = Checkout.Scratch("bootable-image");
        await new Zos(folder + "-maker").Ok("image", "build", "--repository", Checkout.Root, "--parts", Checkout.Path("out", "parts"), "--output", folder,
            "--console", "ttyS0", "--append", EmulatedKernel, "--quick");
        return folder;
    }

    // As qemu/run decides it.
    private static bool IsReal => System.IO.File.Exists("/dev/kvm")
        && System.IO.File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) is { } flags
        && flags.Split(' ').Any(f => f is "svm" or "vmx");
}
