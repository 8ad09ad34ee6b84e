using System.Diagnostics;

using ZeroOS.Linux;
using ZeroOS.Node.Update;
using ZeroOS.Tests.Formats;
using ZeroOS.Tests.Formats.Efi;
using ZeroOS.Tests.Oci.Build;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Node.Update;

/// <summary>Variables in a directory that looks like efivarfs; efibootmgr, which reads the same form, judges them.</summary>
public sealed class EfiFirmwareTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly List<MountFlags> _remounts = [];

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void A_trial_is_an_entry_of_its_own_and_the_next_boot_and_in_no_boot_order()
    {
        Put("Boot0000", Convert.ToHexString((LoadOptionTests.Trial with { Description = "Disk" }).ToBytes()));
        Put("BootOrder", "0000");
        EfiFirmware firmware = new(Variables());
        firmware.Prepare(LoadOptionTests.Trial);
        Assert.False(File.Exists(PathOf("BootNext")));
        firmware.BootOnce();
        string listing = EfiBootManager();
        Assert.Contains("BootNext: 0001\n", listing, StringComparison.Ordinal);
        Assert.Contains("BootOrder: 0000\n", listing, StringComparison.Ordinal);
        Assert.Contains("Boot0001* ZeroOS trial\tHD(1,GPT,11111111-2222-3333-4444-555555555555,0x800,0x3f800)/File(\\EFI\\ZEROOS\\TRIAL.EFI)\n", listing,
            StringComparison.Ordinal);

        new EfiFirmware(Variables()).Prepare(LoadOptionTests.Trial with { PartitionStart = 4096 }); // found again by its name, not added once more
        Assert.Contains("0x1000", EfiBootManager(), StringComparison.Ordinal);
        Assert.False(File.Exists(PathOf("Boot0002")));
        firmware.Forget();
        Assert.Equal(["Boot0000", "BootOrder"], Variables().Names(EfiVariables.Global).Order());
    }

    [Fact]
    public void Variables_are_writable_only_while_they_are_written()
    {
        EfiFirmware firmware = new(Variables());
        firmware.Prepare(LoadOptionTests.Trial);
        Assert.Equal([false, true], _remounts.Select(f => f.HasFlag(MountFlags.ReadOnly)));
        Assert.All(_remounts, f => Assert.True(f.HasFlag(MountFlags.Remount | MountFlags.NoExec | MountFlags.NoSuid | MountFlags.NoDev)));
    }

    [Fact]
    public void A_firmware_that_refuses_is_an_error_with_its_reason_and_forgetting_there_is_none()
    {
        EfiFirmware sealedOff = new(new EfiVariables(_folder.Path, _ => Errno.EROFS));
        Assert.Equal("firmware-refuses", Assert.Throws<UpdateException>(() => sealedOff.Prepare(LoadOptionTests.Trial)).Reason);
        sealedOff.Forget();
        Directory.CreateDirectory(PathOf("Boot0000")); // a name that cannot be written, as on firmware without room
        EfiFirmware full = new(Variables());
        Assert.Equal("firmware-refuses", Assert.Throws<UpdateException>(() => full.Prepare(LoadOptionTests.Trial)).Reason);
    }

    [Fact]
    public void A_next_boot_that_is_somebody_else_s_is_left_alone()
    {
        Put("BootNext", "0900");
        EfiFirmware firmware = new(Variables());
        firmware.Prepare(LoadOptionTests.Trial);
        firmware.Forget();
        Assert.Equal([9, 0], Variables().Read("BootNext", EfiVariables.Global));
    }

    [Theory]
    [InlineData(@"\EFI\BOOT\BOOTX64.EFI", "F7B6A3DE-0000-4000-8000-000000000001", nameof(BootKind.Kept))]
    [InlineData(@"\EFI\ZEROOS\TRIAL.EFI", "F7B6A3DE-0000-4000-8000-000000000001", nameof(BootKind.Trial))]
    [InlineData(@"\efi\zeroos\trial.efi", "f7b6a3de-0000-4000-8000-000000000001", nameof(BootKind.Trial))]
    [InlineData(@"\EFI\Linux\other.efi", "F7B6A3DE-0000-4000-8000-000000000001", nameof(BootKind.Other))]
    [InlineData(@"\EFI\BOOT\BOOTX64.EFI", null, nameof(BootKind.Other))]
    [InlineData(@"\EFI\BOOT\BOOTX64.EFI", "not a uuid", nameof(BootKind.Other))]
    [InlineData("", null, nameof(BootKind.Network))]
    [InlineData(null, null, nameof(BootKind.Other))]
    public void Where_a_boot_came_from_is_what_the_stub_says(string? file, string? partition, string kind)
    {
        if (file is not null)
            PutText("LoaderImageIdentifier", file);
        if (partition is not null)
            PutText("LoaderDevicePartUUID", partition);
        BootSource source = BootSource.Read(Variables(), saysNetwork: false);
        Assert.Equal(kind, source.Kind.ToString());
        Assert.Equal(source.Kind == BootKind.Other, source.Why is not null);
        Assert.Equal(source.Kind is BootKind.Kept or BootKind.Trial, source.Partition is not null);
        if (file is null)
            Assert.Equal(BootKind.Network, BootSource.Read(Variables(), saysNetwork: true).Kind);
    }

    private EfiVariables Variables() => new(_folder.Path, flags =>
    {
        _remounts.Add(flags);
        return Errno.None;
    });

    private string PathOf(string name, Guid? vendor = null) => _folder[$"{name}-{vendor ?? EfiVariables.Global:D}"];

    private void Put(string name, string hex) => File.WriteAllBytes(PathOf(name), Convert.FromHexString("07000000" + hex));

    private void PutText(string name, string text) =>
        File.WriteAllBytes(PathOf(name, EfiVariables.Loader), [6, 0, 0, 0, .. System.Text.Encoding.Unicode.GetBytes(text + '\0')]);

    private string EfiBootManager()
    {
        Judge.Need("efibootmgr");
        ProcessStartInfo start = new("efibootmgr", ["-v"]);
        start.Environment["EFIVARFS_PATH"] = _folder.Path + "/";
        return ProgramRun.Of(start).Output;
    }
}
