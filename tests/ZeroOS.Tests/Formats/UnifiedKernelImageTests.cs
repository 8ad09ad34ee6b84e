using System.Diagnostics;

using ZeroOS.Formats.Pe;

namespace ZeroOS.Tests.Formats;

public class UnifiedKernelImageTests
{
    private const string Stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

    private static byte[] Image() => UnifiedKernelImage.Assemble(File.ReadAllBytes(Stub),
        [(".osrel", "ID=test"u8.ToArray()), (".cmdline", "quiet"u8.ToArray()), (".initrd", new byte[70_000]), (".linux", new byte[5_000])]);

    [SkippableFact]
    public void Sections_can_be_read_back()
    {
        Skip.IfNot(File.Exists(Stub), "systemd-boot-efi is not installed");
        byte[] image = Image();
        Assert.Equal("quiet"u8.ToArray(), UnifiedKernelImage.Section(image, ".cmdline").ToArray());
        Assert.Equal(70_000, UnifiedKernelImage.Section(image, ".initrd").Length);
        Assert.Equal(0, UnifiedKernelImage.Section(image, ".none").Length);
        Assert.Equal(image, Image());
    }

    [SkippableFact]
    public void Objdump_sees_the_same_sections_and_none_overlaps()
    {
        Skip.IfNot(File.Exists(Stub) && File.Exists("/usr/bin/objdump"), "systemd-boot-efi or binutils is not installed");
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, Image());
            using Process objdump = Process.Start(new ProcessStartInfo("objdump", $"-h {file}") { RedirectStandardOutput = true })!;
            string[][] rows = [.. objdump.StandardOutput.ReadToEnd().Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(w => w.Length == 7)];
            objdump.WaitForExit();
            Assert.Equal([".osrel", ".cmdline", ".initrd", ".linux"], rows.Select(r => r[1]).TakeLast(4));
            long end = 0;
            foreach (string[] row in rows.OrderBy(r => Convert.ToInt64(r[3], 16)))
            {
                Assert.True(Convert.ToInt64(row[3], 16) >= end, $"{row[1]} overlaps the section before it");
                end = Convert.ToInt64(row[3], 16) + Convert.ToInt64(row[2], 16);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [SkippableFact]
    public void Mutated_stubs_are_assembled_or_refused_and_nothing_else()
    {
        Skip.IfNot(File.Exists(Stub), "systemd-boot-efi is not installed");
        byte[] stub = File.ReadAllBytes(Stub)[..4096];
        Random random = new(2);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutant = stub[..random.Next(stub.Length + 1)];
            for (int n = random.Next(6); n > 0 && mutant.Length > 0; n--)
                mutant[random.Next(Math.Min(mutant.Length, 600))] = (byte)random.Next(256);
            try
            {
                Assert.NotEmpty(UnifiedKernelImage.Assemble(mutant, [(".linux", new byte[10])]));
            }
            catch (Exception e) when (e is InvalidDataException or OverflowException)
            {
                // refused
            }
        }
    }
}
