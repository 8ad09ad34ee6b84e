namespace ZeroOS.Contracts.Sessions;

/// <summary>Begins a session of kind processes: there is nothing to say.</summary>
public sealed record ProcessesBegin;
