using System.Text;

using ZeroOS.Contracts.Release;
using ZeroOS.Linux;

namespace ZeroOS.Node.Update;

/// <summary>Where this boot came from, as far as updates care.</summary>
internal enum BootKind
{
    /// <summary>The version that is kept, from an EFI system partition.</summary>
    Kept,

    /// <summary>The version on trial, from the same partition: the firmware will not start it a second time by itself.</summary>
    Trial,

    /// <summary>The network: what a server gives is what runs.</summary>
    Network,

    /// <summary>Something that cannot be updated.</summary>
    Other,
}

/// <summary>
/// What systemd's stub and the firmware say about this boot: the variables LoaderDevicePartUUID and LoaderImageIdentifier of the Boot Loader Interface. They
/// are hints of the computer, not proofs: whoever owns its firmware owns the computer.
/// </summary>
/// <param name="Kind">Which.</param>
/// <param name="Partition">The partition the EFI file was on; null unless kept or trial.</param>
/// <param name="Why">For <see cref="BootKind.Other"/>: why no update is possible, a sentence.</param>
internal sealed record BootSource(BootKind Kind, Guid? Partition = null, string? Why = null)
{
    private const int MaxText = 1024;

    /// <summary>Reads the variables; <paramref name="saysNetwork"/>: the command line says that boot loader and files came over the network.</summary>
    public static BootSource Read(EfiVariables variables, bool saysNetwork)
    {
        string? identifier = Text(variables.Read("LoaderImageIdentifier", EfiVariables.Loader)),
            partition = Text(variables.Read("LoaderDevicePartUUID", EfiVariables.Loader));
        bool stub = variables.Read("StubInfo", EfiVariables.Loader) is not null || identifier is not null || partition is not null;
        if (!stub)
        {
            return saysNetwork ? new BootSource(BootKind.Network)
                : new BootSource(BootKind.Other, Why: variables.Present
                    ? "the kernel was started without the EFI file, so the node cannot tell what it would have to replace"
                    : "the computer was booted by BIOS, which cannot try a version once; write the new version to the boot medium (zos image flash)");
        }
        string file = (identifier ?? "").Replace('\\', '/').TrimStart('/');
        if (Guid.TryParse(partition, out Guid id))
        {
            return IsFile(file, EfiPaths.Trial) ? new BootSource(BootKind.Trial, id)
                : IsFile(file, EfiPaths.Kept) ? new BootSource(BootKind.Kept, id)
                : new BootSource(BootKind.Other, Why: $"the computer was booted from \"{HostileText.Plain(file, 100)}\", not from {EfiPaths.Kept}");
        }
        // A path, but no partition: a CD, or a medium without a partition table.
        return IsFile(file, EfiPaths.Kept) || IsFile(file, EfiPaths.Trial)
            ? new BootSource(BootKind.Other, Why: "the computer was booted from a medium without an EFI system partition (a CD, or a plain file system); "
                + "boot it from a disk or a USB stick written by zos image flash")
            : new BootSource(BootKind.Network);
    }

    /// <summary>Text as variables hold it: UTF-16 with a NUL at its end; null for what is none.</summary>
    internal static string? Text(byte[]? value) =>
        value is null || value.Length is 0 or > MaxText || value.Length % 2 != 0 ? null : Encoding.Unicode.GetString(value).TrimEnd('\0');

    private static bool IsFile(string said, string file) => string.Equals(said, file, StringComparison.OrdinalIgnoreCase);
}
