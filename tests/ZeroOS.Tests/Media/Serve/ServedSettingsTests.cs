using ZeroOS.Contracts.Farm;
using ZeroOS.Formats.Cpio;
using ZeroOS.Formats.Pe;
using ZeroOS.Media;
using ZeroOS.Media.Serve;
using ZeroOS.Media.SystemImage.Media;
using ZeroOS.Media.SystemImage.Signing;
using ZeroOS.Tests.Media.SystemImage;

namespace ZeroOS.Tests.Media.Serve;

public sealed class ServedSettingsTests
{
    [SkippableFact]
    public void Settings_are_an_archive_for_boot_loaders_and_inside_the_efi_file_while_the_folder_stays_as_it_is()
    {
        using TrustBench bench = new();
        string folder = Netboot(bench, File.ReadAllBytes(bench.Release));
        byte[] document = SettingsBuilder.ReadSettings(bench.Farm), before = File.ReadAllBytes(Path.Combine(folder, "zeroos.efi"));
        BootFiles files = BootFiles.OfFolder(folder);
        ServedSettings.AddTo(files, folder, document, efi: null);
        Assert.Equal(document, FarmArchive.Unpack(Content(files, "farm.cpio")));
        IReadOnlyList<CpioEntry> initramfs = Initramfs.Read(UnifiedKernelImage.Section(Content(files, "zeroos.efi"), ".initrd"));
        Assert.Equal(document, initramfs.Single(e => e.Path == FarmSettings.SealedPath).Content.ToArray());
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder, "zeroos.efi")));
    }

    [SkippableFact]
    public async Task A_signed_efi_file_is_not_broken_by_settings_inside_it_but_may_be_served_as_it_is()
    {
        using TrustBench bench = new();
        string[] keys = await bench.KeysAsync();
        await bench.Ok(["image", "sign", "--image", bench.Release, "-o", bench.In("signed.efi"), .. keys]);
        string folder = Netboot(bench, File.ReadAllBytes(bench.In("signed.efi")));
        BootFiles files = BootFiles.OfFolder(folder);
        byte[] document = SettingsBuilder.ReadSettings(bench.Farm);
        Assert.Contains("zos image seal", Assert.Throws<MediaException>(() => ServedSettings.AddTo(files, folder, document, efi: null)).Message,
            StringComparison.Ordinal);
        ServedSettings.AddTo(files, folder, document, bench.In("signed.efi"));
        Assert.Equal(document, FarmArchive.Unpack(Content(files, "farm.cpio")));
    }

    [SkippableFact]
    public async Task What_is_put_into_the_folder_later_is_served_with_the_settings_too_unless_it_takes_none()
    {
        using TrustBench bench = new();
        string folder = Netboot(bench, File.ReadAllBytes(bench.Release)), own = Path.Combine(folder, "zeroos.efi");
        byte[] document = SettingsBuilder.ReadSettings(bench.Farm);
        BootFiles files = BootFiles.OfFolder(folder);
        ServedSettings.AddTo(files, folder, document, efi: null);
        byte[] first = Content(files, "zeroos.efi");
        Assert.Equal(first, Content(files, "zeroos.efi"));

        byte[] next = File.ReadAllBytes(bench.Release);
        next[next.AsSpan().LastIndexOf("VERSION_ID=1.2.3"u8) + "VERSION_ID=1.2.".Length] = (byte)'4';
        Put(next);
        byte[] sealedNext = Content(files, "zeroos.efi");
        Assert.Contains("VERSION_ID=1.2.4", System.Text.Encoding.ASCII.GetString(UnifiedKernelImage.Section(sealedNext, ".osrel").Span),
            StringComparison.Ordinal);
        Assert.Equal(document, Initramfs.Read(UnifiedKernelImage.Section(sealedNext, ".initrd"))
            .Single(e => e.Path == FarmSettings.SealedPath).Content.ToArray());

        await bench.Ok(["image", "sign", "--image", bench.Release, "-o", bench.In("signed.efi"), .. await bench.KeysAsync()]);
        Put(File.ReadAllBytes(bench.In("signed.efi")));
        Assert.Contains("zos image seal", Assert.Throws<IOException>(() => Content(files, "zeroos.efi")).Message, StringComparison.Ordinal);
        Put([1, 2, 3]);
        Assert.Throws<IOException>(() => Content(files, "zeroos.efi"));
        File.Delete(own);
        Assert.Throws<FileNotFoundException>(() => Content(files, "zeroos.efi"));
        Put(File.ReadAllBytes(bench.Release));
        Assert.Equal(first, Content(files, "zeroos.efi"));

        void Put(byte[] efi)
        {
            File.WriteAllBytes(own + ".new", efi);
            File.Move(own + ".new", own, overwrite: true);
        }
    }

    [SkippableFact]
    public async Task What_cannot_be_served_is_a_sentence()
    {
        using TrustBench bench = new();
        Assert.Contains("make image", await bench.Fails(1, "image", "serve", "--interface", "lo", "--image", bench.In("nowhere")), StringComparison.Ordinal);
        Assert.Contains("pxelinux.0", await bench.Fails(1, "image", "serve", "--interface", "lo", "--image",
            Directory.CreateDirectory(bench.In("empty")).FullName), StringComparison.Ordinal);
        string folder = Netboot(bench, File.ReadAllBytes(bench.Release));
        Assert.Contains("no Ethernet", await bench.Fails(1, "image", "serve", "--interface", "lo", "--image", folder), StringComparison.Ordinal);
        Assert.Contains("no interface \"eth99\"", await bench.Fails(1, "image", "serve", "--interface", "eth99", "--image", folder), StringComparison.Ordinal);
        Assert.Contains("ports are 1 to 65535", await bench.Fails(2, "image", "serve", "--interface", "lo", "--image", folder, "--http-port", "0"),
            StringComparison.Ordinal);
    }

    private static string Netboot(TrustBench bench, byte[] efi)
    {
        string folder = Directory.CreateDirectory(bench.In("netboot")).FullName;
        File.WriteAllBytes(Path.Combine(folder, "zeroos.efi"), efi);
        return folder;
    }

    private static byte[] Content(BootFiles files, string name)
    {
        using BootContent content = files.Find(name)!.Open();
        byte[] bytes = new byte[content.Length];
        content.Read(0, bytes);
        return bytes;
    }
}
