using System.Text;

using ZeroOS.Formats.Pe;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// The image that firmware boots in tests. On a computer with KVM it is the built one. In emulation it is made of the same parts, with one word more on its
/// command line: QEMU 7.2's cmpxchg16b (see qemu/run) breaks about one start of fifteen of a kernel that uses it. It also has a serial console, so that a start
/// that fails says why.
/// </summary>
internal static class BootableImage
{
    /// <summary>What a kernel in emulation is told.</summary>
    public const string EmulatedKernel = "clearcpuid=cx16";

    private static readonly Lock s_gate = new();
    private static Task<string>? s_root;

    /// <summary>
    /// A checkout as far as somebody who follows a page of docs/ looks at one: qemu, the image in out, and the nodes of the checkout in out/nodes. Built once;
    /// what failed is built again for the next one who asks.
    /// </summary>
    public static Task<string> Root
    {
        get
        {
            lock (s_gate)
            {
                if (s_root is null or { IsFaulted: true } or { IsCanceled: true })
                    s_root = Build();
                return s_root;
            }
        }
    }

    /// <summary>Its folder, as make image leaves one in out.</summary>
    public static Task<string> Folder => File();

    /// <summary>One of its files.</summary>
    public static async Task<string> File(params string[] path) => Path.Combine([await Root, "out", .. path]);

    /// <summary>
    /// A folder with the EFI file for a machine without a serial line: the same without the serial console, for a line that is not there costs minutes. It is
    /// made in <paramref name="folder"/> where the built one will not do.
    /// </summary>
    public static async Task<string> WithoutSerial(string folder)
    {
        if (IsReal)
            return Checkout.Path("out");
        Directory.CreateDirectory(folder);
        string commandLine = (await System.IO.File.ReadAllTextAsync(Checkout.Path("image", "cmdline"))).Trim();
        await System.IO.File.WriteAllBytesAsync(Path.Combine(folder, "zeroos.efi"), await Efi($"{commandLine} {EmulatedKernel}"));
        return folder;
    }

    /// <summary>The built EFI file with another command line in the place of its own, unsigned.</summary>
    public static async Task<byte[]> Efi(string commandLine)
    {
        byte[] image = await System.IO.File.ReadAllBytesAsync(Checkout.Path("out", "zeroos.efi"));
        List<(string, ReadOnlyMemory<byte>)> sections = [.. ((string[])[".osrel", ".cmdline", ".initrd", ".linux"]).Select(s =>
            (s, s == ".cmdline" ? Encoding.ASCII.GetBytes(commandLine) : UnifiedKernelImage.Section(image, s)))];
        return UnifiedKernelImage.Assemble(await System.IO.File.ReadAllBytesAsync(Checkout.Path("out", "parts", "stub.efi")), sections);
    }

    private static async Task<string> Build()
    {
        if (IsReal)
            return Checkout.Root;
        string root = Checkout.Scratch("bootable-image");
        (await new Zos(root + "-maker").Run(TimeSpan.FromMinutes(5), "image", "build", "--repository", Checkout.Root, "--parts", Checkout.Path("out", "parts"),
            "--output", Path.Combine(root, "out"), "--console", "ttyS0", "--append", EmulatedKernel, "--quick")).Ok();
        Directory.CreateDirectory(Checkout.Path("out", "nodes"));
        Directory.CreateSymbolicLink(Path.Combine(root, "out", "nodes"), Checkout.Path("out", "nodes"));
        Directory.CreateSymbolicLink(Path.Combine(root, "qemu"), Checkout.Path("qemu"));
        return root;
    }

    // As qemu/run decides it.
    private static bool IsReal => System.IO.File.Exists("/dev/kvm")
        && System.IO.File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) is { } flags
        && flags.Split(' ').Any(f => f is "svm" or "vmx");
}
