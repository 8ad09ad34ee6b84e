namespace ZeroOS.Contracts.Bus;

/// <summary>A body with nothing in it.</summary>
public sealed record Nothing;
