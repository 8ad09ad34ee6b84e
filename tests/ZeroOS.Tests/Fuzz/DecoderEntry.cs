namespace ZeroOS.Tests.Fuzz;

/// <summary>
/// A decoder. Its inputs are mutations of samples, and of mutations that it took: so a second change can reach what the first one opened. One input may cost
/// <see cref="MaxAllocated"/> bytes of memory.
/// </summary>
/// <param name="name">Names it.</param>
/// <param name="samples">Inputs that it takes.</param>
/// <param name="decode">True when the input was taken, false when it was refused; throws what it must not throw, and what was found to be wrong with a taken
/// one.</param>
internal sealed class DecoderEntry(string name, Func<IReadOnlyList<byte[]>> samples, Func<byte[], bool> decode) : FuzzEntry(name)
{
    private const int MaxBases = 64, MaxBytes = 256 * 1024;
    private List<byte[]>? _bases;
    private int _samples;

    /// <summary>Bytes of memory for one input, garbage included.</summary>
    public long MaxAllocated { get; init; } = 64 << 20;

    /// <summary>Makes checksums right again, so that what they guard is looked at too; half of the inputs get it.</summary>
    public Action<byte[]>? Repair { get; init; }

    /// <summary>It takes nothing but what it is given: a changed input is a forgery, which the samples alone prove to be no closed door.</summary>
    public bool TakesOnlySamples { get; init; }

    public override bool MustTakeSome => !TakesOnlySamples;

    public override byte[] Next(Random random)
    {
        List<byte[]> bases = Bases();
        byte[] input = Mutation.Of(bases[random.Next(bases.Count)], bases[random.Next(bases.Count)], MaxBytes, random);
        if (Repair is not null && random.Next(2) == 0)
            Repair(input);
        return input;
    }

    public override bool Play(byte[] input)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool taken = decode([.. input]);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= MaxAllocated, $"{input.Length} bytes made it allocate {allocated}");
        if (taken)
            Keep(input);
        return taken;
    }

    private List<byte[]> Bases()
    {
        if (_bases is null)
        {
            _bases = [.. samples()];
            _samples = _bases.Count;
            foreach (byte[] sample in _bases.ToArray())
                Assert.True(decode([.. sample]), $"{Name}: a sample is refused");
        }
        return _bases;
    }

    private void Keep(byte[] input)
    {
        List<byte[]> bases = Bases();
        if (bases.Count < _samples + MaxBases)
            bases.Add(input);
        else
            bases[_samples + (((input.Length * 31) + (input.Length > 0 ? input[^1] : 0)) % MaxBases)] = input;
    }
}
