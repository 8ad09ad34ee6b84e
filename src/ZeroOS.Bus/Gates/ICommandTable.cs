using System.Text.Json;

using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Gates;

/// <summary>What the gate has to know about a command.</summary>
public interface ICommand
{
    /// <summary>Who may use it.</summary>
    Roles Allowed { get; }

    /// <summary>Turns the body into the command's contract.</summary>
    /// <exception cref="Contracts.Bus.BusErrorException">invalid, with the field.</exception>
    object Decode(JsonElement? body);
}

/// <summary>The node's commands.</summary>
public interface ICommandTable
{
    /// <summary>The command of that name, or null.</summary>
    ICommand? Find(string name);

    /// <summary>What is said about a name that is not in it.</summary>
    BusError Unknown { get; }
}
