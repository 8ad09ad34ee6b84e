namespace ZeroOS.Fuzz;

/// <summary>What was played to one entry.</summary>
internal sealed class FuzzTally
{
    /// <summary>Inputs of the corpus.</summary>
    public int Kept { get; set; }

    /// <summary>New inputs.</summary>
    public long Played { get; set; }

    /// <summary>Of those, inputs that were not refused.</summary>
    public long Taken { get; set; }

    /// <summary>Slices that ended with a finding.</summary>
    public int Found { get; set; }
}
