using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using ZeroOS.Formats.Fat;
using ZeroOS.Formats.Gpt;
using ZeroOS.Formats.Iso;
using ZeroOS.Media.SystemImage.Media;
using ZeroOS.Tests.Formats;

namespace ZeroOS.Tests.Media.SystemImage;

/// <summary>
/// zos image build and inspect, on an image of stand-ins: what is on the media, the same bytes each time, settings beside a system that stays as it is.
/// </summary>
public sealed class ImageMediaTests(ImageBench bench) : IClassFixture<ImageBench>
{
    private static byte[] OnSystemPartition(string image, string path)
    {
        using FileStream file = File.OpenRead(image);
        FatReader volume = new(MediaSettings.SystemPartition(GptReader.Read(file)).Open(file));
        return volume.ReadAll(volume.Find(path) ?? throw new FileNotFoundException(path), 64 << 20);
    }

    private static byte[] OnIso(string image, string path)
    {
        using FileStream file = File.OpenRead(image);
        (long offset, long bytes) = IsoReader.Find(file, path) ?? throw new FileNotFoundException(path);
        byte[] content = new byte[bytes];
        file.Position = offset;
        file.ReadExactly(content);
        return content;
    }

    private static Dictionary<string, string> Digests(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .ToDictionary(f => Path.GetRelativePath(folder, f), f => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f))));

    [SkippableFact]
    public async Task The_same_parts_make_the_same_media_at_another_time_in_another_folder()
    {
        bench.Need();
        foreach (string part in Directory.EnumerateFiles(bench.Parts, "*", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(part, new DateTime(2031, 5, 6, 7, 8, 9, DateTimeKind.Utc));
        string other = Path.Combine(bench.Scratch("elsewhere"), "deeper");
        await bench.BuildAsync(other);
        Assert.Equal(Digests(bench.Folder), Digests(other));
        Assert.Equal(["SHA256SUMS", "initramfs.cpio.zst", "measurements.json", "netboot/farm.cpio", "netboot/initramfs.cpio.zst", "netboot/ldlinux.c32",
            "netboot/pxelinux.0", "netboot/pxelinux.cfg/default",
            "netboot/vmlinuz", "netboot/zeroos.efi", "netboot/zeroos.ipxe", "vmlinuz", "zeroos.efi", "zeroos.img", "zeroos.iso", "zeroos.spdx.json"],
            Digests(other).Keys.Order(StringComparer.Ordinal));
    }

    [SkippableFact]
    public async Task Programs_that_are_not_ours_find_the_media_sound()
    {
        bench.Need();
        string disk = Path.Combine(bench.Folder, "zeroos.img"), iso = Path.Combine(bench.Folder, "zeroos.iso");
        Assert.Contains("No problems found", Judge.Ask("sgdisk", "-v", disk), StringComparison.Ordinal);
        Assert.Contains("No problems found", Judge.Ask("sgdisk", "-v", iso), StringComparison.Ordinal);
        Assert.Contains("EFI system partition", Judge.Ask("sgdisk", "-i", "1", disk), StringComparison.Ordinal);
        Assert.Contains("EFI system partition", Judge.Ask("sgdisk", "-i", "2", iso), StringComparison.Ordinal);
        Assert.Equal(144_703_488, new FileInfo(disk).Length);
        foreach (string image in (string[])[disk, iso])
        {
            using TemporaryFile volume = new();
            using (FileStream file = File.OpenRead(image), copy = volume.Open(0))
                MediaSettings.SystemPartition(GptReader.Read(file)).Open(file).CopyTo(copy);
            Assert.DoesNotContain("differences", Judge.Ask("fsck.fat", "-n", "-v", volume.Path), StringComparison.Ordinal);
        }
        string boot = Judge.Ask("xorriso", "-indev", iso, "-report_el_torito", "plain", "-report_system_area", "plain");
        Assert.Matches("BIOS +y +none", boot);
        Assert.Matches("UEFI +y +none", boot);
        Judge.Ask("bash", "-c", $"cd {bench.Folder} && sha256sum --quiet -c SHA256SUMS");
        Assert.Equal(File.ReadAllBytes(Path.Combine(bench.Folder, "zeroos.efi")), OnSystemPartition(disk, "EFI/BOOT/BOOTX64.EFI"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(bench.Folder, "zeroos.efi")), OnSystemPartition(iso, "EFI/BOOT/BOOTX64.EFI"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(bench.Folder, "initramfs.cpio.zst")), OnSystemPartition(disk, "syslinux/initramfs.cpio.zst"));
        Assert.Equal(File.ReadAllBytes(Path.Combine(bench.Folder, "initramfs.cpio.zst")), OnIso(iso, "isolinux/initramfs_cpio.zst"));
    }

    [SkippableFact]
    public async Task A_signed_image_is_signed_on_every_medium_and_brings_the_certificate_that_firmware_needs()
    {
        bench.Need();
        string folder = bench.Scratch("signed"), keys = bench.Scratch("keys"), efi = Path.Combine(folder, "zeroos.efi");
        await bench.Ok("image", "keys", "new", "-o", keys);
        await bench.BuildAsync(folder, "--secure-boot-key", Path.Combine(keys, "secure-boot.key"),
            "--secure-boot-certificate", Path.Combine(keys, "secure-boot.pem"));
        Assert.Contains("Signature verification OK", Judge.Ask("sbverify", "--cert", Path.Combine(keys, "secure-boot.pem"), efi), StringComparison.Ordinal);
        byte[] certificate = File.ReadAllBytes(Path.Combine(keys, "secure-boot.cer"));
        foreach (string image in (string[])["zeroos.img", "zeroos.iso"])
        {
            Assert.Equal(File.ReadAllBytes(efi), OnSystemPartition(Path.Combine(folder, image), "EFI/BOOT/BOOTX64.EFI"));
            Assert.Equal(certificate, OnSystemPartition(Path.Combine(folder, image), "secure-boot.cer"));
        }
        Assert.Contains("secure-boot.cer", File.ReadAllText(Path.Combine(folder, "SHA256SUMS")), StringComparison.Ordinal);
        // What is built without a key over it has neither.
        await bench.BuildAsync(folder);
        Assert.Equal(Digests(bench.Folder), Digests(folder));
    }

    [SkippableFact]
    public async Task Settings_come_beside_the_system_on_every_medium_and_nothing_else_changes()
    {
        bench.Need();
        string farm = bench.WithFarm, again = bench.Scratch("again");
        byte[] document = File.ReadAllBytes(bench.Farm), efi = File.ReadAllBytes(Path.Combine(bench.Folder, "zeroos.efi"));
        string disk = Path.Combine(farm, "zeroos.img"), iso = Path.Combine(farm, "zeroos.iso");
        foreach (string image in (string[])[disk, iso])
        {
            Assert.Equal(efi, OnSystemPartition(image, "EFI/BOOT/BOOTX64.EFI"));
            Assert.Equal(document, OnSystemPartition(image, "EFI/BOOT/BOOTX64.EFI.extra.d/farm.cred"));
        }
        Assert.Equal(document, FarmArchive.Unpack(OnSystemPartition(disk, "syslinux/farm.cpio")));
        Assert.Equal(document, FarmArchive.Unpack(OnIso(iso, "isolinux/farm.cpio")));
        Assert.Equal(document, FarmArchive.Unpack(File.ReadAllBytes(Path.Combine(farm, "netboot", "farm.cpio"))));
        Assert.Null(FarmArchive.Unpack(File.ReadAllBytes(Path.Combine(bench.Folder, "netboot", "farm.cpio"))));
        Assert.Equal(["SHA256SUMS", "netboot/farm.cpio", "netboot/zeroos.ipxe", "zeroos.img", "zeroos.iso"],
            Digests(farm).Except(Digests(bench.Folder)).Select(d => d.Key).Order(StringComparer.Ordinal));
        Assert.Contains("No problems found", Judge.Ask("sgdisk", "-v", iso), StringComparison.Ordinal);

        // Settings over settings are those settings, whatever was there before.
        await bench.Ok("image", "build", "--image", farm, "--farm", bench.Farm, "-o", again);
        Assert.Equal(Digests(farm), Digests(again));
        using FileStream source = File.OpenRead(disk), original = File.OpenRead(Path.Combine(bench.Folder, "zeroos.img"));
        using TemporaryFile bare = new();
        using (FileStream target = bare.Open(0))
            MediaSettings.Write(source, target, default);
        Assert.Equal(SHA256.HashData(original), SHA256.HashData(File.ReadAllBytes(bare.Path)));
    }

    [SkippableFact]
    public async Task Bad_settings_damaged_images_and_the_same_folder_are_refused_with_the_reason()
    {
        bench.Need();
        string output = bench.Scratch("out");
        string forged = bench.Write("forged.cred", File.ReadAllText(bench.Farm).Replace("payload\":\"e", "payload\":\"f", StringComparison.Ordinal));
        Assert.Contains("every node would refuse", await bench.Fails(1, "image", "build", "--image", bench.Folder, "--farm", forged, "-o", output),
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(output));
        await bench.Fails(2, "image", "build", "--image", bench.Folder, "--farm", bench.Farm, "-o", bench.Folder + "/");
        await bench.Fails(2, "image", "build", "--image", bench.Folder, "-o", output);
        await bench.Fails(2, "image", "build", "--parts", bench.Parts, "--farm", bench.Farm, "-o", output);
        Assert.Contains("SHA256SUMS", await bench.Fails(1, "image", "build", "--image", bench.Parts, "--farm", bench.Farm, "-o", output),
            StringComparison.Ordinal);
        string damaged = bench.Scratch("damaged");
        Judge.Ask("cp", "-r", bench.Folder, damaged);
        using (FileStream iso = new(Path.Combine(damaged, "zeroos.iso"), FileMode.Open))
        {
            iso.Position = 1_000_000;
            iso.WriteByte(1);
        }
        Assert.Contains("zeroos.iso", await bench.Fails(1, "image", "build", "--image", damaged, "--farm", bench.Farm, "-o", output), StringComparison.Ordinal);
        Assert.Contains("zeroos.iso", await bench.Fails(1, "image", "inspect", damaged), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Inspect_says_version_digest_partitions_and_whose_it_is()
    {
        bench.Need();
        string farm = bench.WithFarm, disk = Path.Combine(farm, "zeroos.img");
        using JsonDocument facts = JsonDocument.Parse(await bench.Ok("image", "inspect", disk, "--json"));
        JsonElement system = facts.RootElement.GetProperty("systems")[0], partition = facts.RootElement.GetProperty("partitions")[0];
        Assert.Equal("disk", facts.RootElement.GetProperty("kind").GetString());
        Assert.StartsWith("sha256:", system.GetProperty("imageDigest").GetString(), StringComparison.Ordinal);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(farm, "zeroos.efi")))), system.GetProperty("sha256").GetString());
        Assert.False(system.GetProperty("signed").GetBoolean());
        Assert.True(partition.GetProperty("legacyBootable").GetBoolean());
        Assert.Equal(["barn", "barn"], facts.RootElement.GetProperty("settings").EnumerateArray().Select(s => s.GetProperty("farm").GetString()));
        string text = await bench.Ok("image", "inspect", farm);
        Assert.Contains("zeroos.iso: ISO image", text, StringComparison.Ordinal);
        Assert.Contains("farm \"barn\"", text, StringComparison.Ordinal);
        Assert.Contains("15 files are those", text, StringComparison.Ordinal);
        Assert.Contains("belongs to nobody yet", await bench.Ok("image", "inspect", Path.Combine(bench.Folder, "zeroos.iso")), StringComparison.Ordinal);
        Assert.Contains("neither an EFI file nor", await bench.Fails(1, "image", "inspect", bench.Farm), StringComparison.Ordinal);
        Assert.Contains("no kernel", await bench.Fails(1, "image", "inspect", Path.Combine(bench.Parts, "stub.efi")), StringComparison.Ordinal);
        await bench.Fails(1, "image", "inspect", bench.Scratch("nothing"));
    }

    [SkippableFact]
    public async Task Mutated_images_are_inspected_and_given_settings_or_refused_and_nothing_else()
    {
        bench.Need();
        byte[] sample = File.ReadAllBytes(Path.Combine(bench.Folder, "zeroos.iso")), document = File.ReadAllBytes(bench.Farm);
        long system = MediaSettings.SystemPartition(GptReader.Read(new MemoryStream(sample))).OffsetBytes;
        Random random = new(7);
        using MemoryStream target = new(sample.Length);
        for (int i = 0; i < 100; i++)
        {
            byte[] mutant = sample.AsSpan().ToArray();
            for (int n = random.Next(1, 6); n > 0; n--)
            {
                long at = random.Next(4) switch
                {
                    0 => (16 * 2048) + random.Next(190),
                    1 => system + random.Next(90),
                    2 => system + (32 * 512) + random.Next(64),
                    _ => system + (1100 * 512) + random.Next(4096)
                };
                mutant[at] = (byte)random.Next(256);
            }
            try
            {
                target.SetLength(0);
                MediaSettings.Write(new MemoryStream(mutant), target, document);
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                // refused, with a reason
            }
        }
    }

    [Fact]
    public void An_archive_of_settings_has_one_length_and_gives_them_back()
    {
        byte[] document = "{}"u8.ToArray();
        Assert.Equal(FarmArchive.Pack(default).Length, FarmArchive.Pack(document).Length);
        Assert.Equal(document, FarmArchive.Unpack(FarmArchive.Pack(document)));
        Assert.Equal(256 * 1024, FarmArchive.Unpack(FarmArchive.Pack(new byte[256 * 1024]))!.Length);
        Assert.Throws<ZeroOS.Media.MediaException>(() => FarmArchive.Pack(new byte[(256 * 1024) + 1]));
        Assert.Null(FarmArchive.Unpack(FarmArchive.Pack(default)));
    }

    [Theory]
    [InlineData(false, "goto image")]
    [InlineData(true, "goto kernel")]
    public void Under_uefi_ipxe_starts_the_kernel_only_when_there_are_settings_to_hand_over(bool settings, string step)
    {
        string script = Encoding.ASCII.GetString(NetbootFolder.ScriptFor("quiet panic=10", settings));
        Assert.StartsWith("#!ipxe\n", script, StringComparison.Ordinal);
        Assert.Contains($":efi\n{step}\n", script, StringComparison.Ordinal);
        Assert.Contains("quiet panic=10 zeroos.boot=network ||", script, StringComparison.Ordinal);
        Assert.Contains("chain zeroos.efi quiet panic=10 ||", script, StringComparison.Ordinal);
        Assert.DoesNotContain("\r", script, StringComparison.Ordinal);
    }
}
