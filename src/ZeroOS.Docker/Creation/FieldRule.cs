namespace ZeroOS.Docker.Creation;

/// <summary>What becomes of a field of a creation.</summary>
internal enum FieldRule
{
    /// <summary>It is done.</summary>
    Honoured,

    /// <summary>It is kept and returned; it would change nothing here.</summary>
    Kept,

    /// <summary>It is kept and returned, and a warning says that it has no effect.</summary>
    Warned,

    /// <summary>400: without it the program would be another.</summary>
    Refused,
}
