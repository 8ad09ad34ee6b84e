namespace ZeroOS.Tests.Fuzz;

/// <summary>
/// One entry point for foreign bytes: makes inputs from random numbers, and plays them. What <see cref="Play"/> throws is a finding, and the input alone
/// reproduces it.
/// </summary>
public abstract class FuzzEntry(string name)
{
    /// <summary>Names the folder of its corpus.</summary>
    public string Name { get; } = name;

    /// <summary>It counts threads and descriptors of the whole process, so nothing runs beside it.</summary>
    public bool Alone { get; init; }

    /// <summary>Whether an honest run has inputs that are taken; where none is, the fuzzing is of a closed door.</summary>
    public virtual bool MustTakeSome => false;

    /// <summary>The next input, by the random numbers and by what was taken before.</summary>
    public abstract byte[] Next(Random random);

    /// <summary>Plays one input; false when it was refused as it should be.</summary>
    public abstract bool Play(byte[] input);
}
