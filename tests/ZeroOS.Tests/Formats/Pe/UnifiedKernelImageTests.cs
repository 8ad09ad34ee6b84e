using ZeroOS.Formats.Pe;

namespace ZeroOS.Tests.Formats.Pe;

public sealed class UnifiedKernelImageTests : IDisposable
{
    private readonly PeBench _bench;

    public UnifiedKernelImageTests() => _bench = new PeBench();

    public void Dispose() => _bench.Dispose();

    [SkippableFact]
    public void Sections_can_be_read_back()
    {
        byte[] image = PeBench.Image();
        Assert.Equal("quiet"u8.ToArray(), UnifiedKernelImage.Section(image, ".cmdline").ToArray());
        Assert.Equal(70_000, UnifiedKernelImage.Section(image, ".initrd").Length);
        Assert.Equal(0, UnifiedKernelImage.Section(image, ".none").Length);
        Assert.Equal(image, PeBench.Image());
    }

    [SkippableFact]
    public void Objdump_sees_the_same_sections_and_none_overlaps()
    {
        (_, string output) = PeBench.Run("/usr/bin/objdump", "-h", _bench.Write("image.efi", PeBench.Image()));
        string[][] rows = [.. output.Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(w => w.Length == 7)];
        Assert.Equal([".osrel", ".cmdline", ".initrd", ".linux"], rows.Select(r => r[1]).TakeLast(4));
        long end = 0;
        foreach (string[] row in rows.OrderBy(r => Convert.ToInt64(r[3], 16)))
        {
            Assert.True(Convert.ToInt64(row[3], 16) >= end, $"{row[1]} overlaps the section before it");
            end = Convert.ToInt64(row[3], 16) + Convert.ToInt64(row[2], 16);
        }
    }

    [SkippableFact]
    public void An_image_taken_apart_and_put_together_is_the_same_but_for_its_signature()
    {
        byte[] image = PeBench.Image((".dtb", ReadOnlyMemory<byte>.Empty));
        (byte[] stub, IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> sections) = UnifiedKernelImage.Disassemble(_bench.Sign(image));
        Assert.Equal([".osrel", ".cmdline", ".dtb", ".initrd", ".linux"], sections.Select(s => s.Name));
        Assert.Equal(image, UnifiedKernelImage.Assemble(stub, sections));
        Assert.Throws<InvalidDataException>(() => UnifiedKernelImage.Disassemble(stub));
    }

    [SkippableTheory]
    [InlineData(".linuz\0\0", ".linux\0\0")] // a second kernel: the stub would take the last
    [InlineData(".linuz\0\0", ".linux2\0")] // a name that the stub takes for another
    public void Sections_that_could_be_taken_for_one_another_are_refused(string harmless, string ambiguous)
    {
        byte[] image = PeBench.Image((".linuz", new byte[9]));
        Assert.NotEmpty(KernelImagePcr.Predict(image));
        System.Text.Encoding.ASCII.GetBytes(ambiguous).CopyTo(image.AsSpan(image.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(harmless))));
        Assert.Throws<InvalidDataException>(() => KernelImagePcr.Predict(image));
        Assert.Throws<InvalidDataException>(() => UnifiedKernelImage.Disassemble(image));
    }

    [SkippableFact]
    public void Mutated_images_are_read_or_refused_and_nothing_else()
    {
        byte[] signed = _bench.Sign(PeBench.Image());
        int headers = 1024, read = 0;
        Random random = new(2);
        for (int i = 0; i < 10_000; i++)
        {
            // Headers and the certificate table are what is parsed; a cut file now and then.
            byte[] mutant = random.Next(4) == 0 ? signed[..random.Next(random.Next(2) == 0 ? headers : signed.Length)] : [.. signed];
            for (int n = random.Next(6); n > 0 && mutant.Length > 0; n--)
                mutant[random.Next(3) == 0
                    ? mutant.Length - 1 - random.Next(Math.Min(mutant.Length, 1500))
                    : random.Next(Math.Min(mutant.Length, headers))] = (byte)random.Next(256);
            read += Attempt(() => UnifiedKernelImage.Assemble(mutant, [(".splash", new byte[10])]));
            read += Attempt(() => UnifiedKernelImage.Disassemble(mutant));
            read += Attempt(() => UnifiedKernelImage.Section(mutant, ".initrd"));
            if (i % 5 == 0) // these hash the whole file
                read += Attempt(() => KernelImagePcr.Predict(mutant)) + Attempt(() => Authenticode.Signatures(mutant));
        }
        Assert.InRange(read, 1000, 33_000);
    }

    private static int Attempt(Action action)
    {
        try
        {
            action();
            return 1;
        }
        catch (InvalidDataException)
        {
            return 0; // refused
        }
    }
}
